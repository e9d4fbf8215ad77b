"""The memory of a sweep: which values were tried, what came of them, which are next. Optuna on an SQLite file.

Only the process that leads a sweep opens it. What is proposed for a trial follows from the seed, its number and the
trials that have ended, so a sweep that was stopped goes on as if it had not been. Nothing in the file is unpickled.
"""

from __future__ import annotations

import math
import random as chance
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import URL

from mien.metric import METRICS
from mien.train.sweep.space import PRUNERS, SAMPLERS, Choice, Dimension, Space

#: Proposals in a row that repeat an earlier trial, before the space counts as searched.
REPEATS = 30
#: Trials with a number that are needed before it is told which values matter.
ENOUGH = 8

#: How a trial can end.
ENDS = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class Proposal(NamedTuple):
    """Values to try under a number."""

    number: int
    values: dict[str, Any]


class Study:
    """The trials of one sweep, used as a context.

    Args:
        path: SQLite file; one that is there goes on.
        space: what is searched.
        sampler: a name of ``SAMPLERS``.
        pruner: a name of ``PRUNERS``.
        seed: of all proposals.
    """

    def __init__(self, path: Path, space: Space, sampler: str, pruner: str, seed: int) -> None:
        self.space, self.seed, self.sampler = space, seed, sampler
        self.distributions = {name: _distribution(dimension) for name, dimension in space.dimensions.items()}
        is_new = not path.exists()
        with quiet():
            url = URL.create("sqlite", database=str(path)).render_as_string().replace("{", "%7B").replace("}", "%7D")
            self.storage = optuna.storages.RDBStorage(url)
            self.study = optuna.create_study(
                storage=self.storage,
                study_name="sweep",
                direction="minimize" if METRICS[space.recipe.runtime.metric].lower_is_better else "maximize",
                load_if_exists=True,
                pruner=PRUNERS.load(pruner)(space.recipe.epochs),
            )
            start = space.start()
            if is_new and start is not None:
                self.study.enqueue_trial(self._stored(start), user_attrs={"is_start": True})

    def __enter__(self) -> Study:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.storage.remove_session()
        self.storage.engine.dispose()

    def trials(self) -> list[FrozenTrial]:
        """All trials that ran or run, by number; proposals that repeated an earlier one are left out."""
        return [
            trial
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state != TrialState.WAITING and "repeats" not in trial.user_attrs
        ]

    def propose(self) -> Proposal | None:
        """The next values to try, or None when the space holds nothing new."""
        with quiet():
            for _ in range(REPEATS):
                earlier = {self._key(trial.params): trial.number for trial in self.trials()}
                number = sum(trial.state != TrialState.WAITING for trial in self.study.get_trials(deepcopy=False))
                is_enqueued = any(trial.state == TrialState.WAITING for trial in self.study.get_trials(deepcopy=False))
                if self.sampler == "grid" and not is_enqueued:
                    point = self._grid_point(set(earlier))
                    if point is None:
                        return None
                    self.study.enqueue_trial(point)
                self.study.sampler = SAMPLERS.load(self.sampler)((self.seed * 1_000_003 + number) % 2**32)
                trial = self.study.ask(self.distributions)
                same = earlier.get(self._key(trial.params))
                if same is None:
                    return Proposal(trial.number, self.values(trial.params))
                # the same values give the same numbers: nothing is learned from training them again
                trial.set_user_attr("repeats", same)
                self.study.tell(trial, state=TrialState.FAIL)
        return None

    def interrupted(self) -> list[Proposal]:
        """The trials that were running when the sweep was stopped."""
        found = []
        for trial in self.trials():
            if trial.state != TrialState.RUNNING:
                continue
            if set(trial.params) == set(self.distributions):
                found.append(Proposal(trial.number, self.values(trial.params)))
            else:  # stopped in the middle of its proposal: there is nothing to go on with
                self._attributes(trial.number, {"repeats": trial.number})
                self.study.tell(trial.number, state=TrialState.FAIL)
        return found

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Note the metric of an epoch; true when the trial looks too poor to go on. The start is never given up."""
        identity = self._identity(number)
        self.storage.set_trial_intermediate_value(identity, epoch, value)
        trial = self.storage.get_trial(identity)
        with quiet():
            return "is_start" not in trial.user_attrs and bool(self.study.pruner.prune(self.study, trial))

    def end(self, number: int, state: str, value: float | None = None, **attributes: Any) -> None:
        """Note how a trial ended.

        Args:
            number: the trial.
            state: complete, pruned or failed.
            value: metric on val, of a complete one; one that is no number fails it.
            attributes: kept with it, e.g. its seconds.
        """
        if state == "complete" and (value is None or not math.isfinite(value)):
            state = "failed"
            attributes["error"] = "the metric on val is no number"
        self._attributes(number, attributes)
        with quiet():
            self.study.tell(number, value if state == "complete" else None, state=ENDS[state])

    def importance(self) -> dict[str, float]:
        """Which values matter for reaching the best trials, as shares of 1, largest first; empty for few trials.

        Source: Watanabe et al., "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces"
        (2023), as Optuna computes it.
        """
        complete = [trial for trial in self.trials() if trial.state == TrialState.COMPLETE]
        values = {trial.value for trial in complete}
        if len(complete) < ENOUGH or len(values) < 2 or len(self.distributions) < 2:
            return {}
        with quiet():
            evaluator = optuna.importance.PedAnovaImportanceEvaluator()
            shares = optuna.importance.get_param_importances(self.study, evaluator=evaluator)
        return {name: round(float(share), 4) for name, share in shares.items() if math.isfinite(share)}

    def values(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Values of the recipe from what Optuna keeps."""
        found = {}
        for name, value in stored.items():
            dimension = self.space.dimensions[name]
            found[name] = dimension.values[dimension.texts().index(value)] if isinstance(dimension, Choice) else value
        return found

    def _stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Choices are kept as their text, since Optuna keeps no lists and takes 1 and true for the same."""
        found = {}
        for name, value in values.items():
            dimension = self.space.dimensions[name]
            found[name] = dimension.texts()[dimension.index(value) or 0] if isinstance(dimension, Choice) else value
        return found

    def _grid_point(self, tried: set[tuple[Any, ...]]) -> dict[str, Any] | None:
        names = sorted(self.distributions)
        points = [self._stored(dict(zip(names, point, strict=True))) for point in product(*map(self._points, names))]
        chance.Random(self.seed).shuffle(points)  # a sweep that ends early has then seen all regions
        return next((point for point in points if self._key(point) not in tried), None)

    def _points(self, name: str) -> list[Any]:
        return self.space.dimensions[name].points() or []

    def _key(self, stored: Mapping[str, Any]) -> tuple[Any, ...]:
        values = (stored.get(name) for name in sorted(self.distributions))
        return tuple(round(value, 12) if isinstance(value, float) else value for value in values)

    def _identity(self, number: int) -> int:
        study = self.storage.get_study_id_from_name("sweep")
        return self.storage.get_trial_id_from_study_id_trial_number(study, number)

    def _attributes(self, number: int, attributes: Mapping[str, Any]) -> None:
        for name, value in attributes.items():
            self.storage.set_trial_user_attr(self._identity(number), name, value)


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna tells nothing: what a user should know of a sweep is said by it."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)


def tpe(seed: int) -> BaseSampler:
    """Tree-structured Parzen estimator.

    Source: Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (2011); Falkner et al. (2018) for
    ``multivariate``, which draws the values together. Running trials count as poor, so that jobs keep their distance.
    """
    return TPESampler(seed=seed, multivariate=True, constant_liar=True)


def random(seed: int) -> BaseSampler:
    """Independent draws."""
    return RandomSampler(seed=seed)


def median(epochs: int) -> BasePruner:
    """Give up what is below the median of the others at the same epoch, after a quarter of the epochs.

    Source: Golovin et al., "Google Vizier" (2017), median stopping rule.
    """
    return MedianPruner(n_startup_trials=4, n_warmup_steps=max(1, epochs // 4))


def hyperband(epochs: int) -> BasePruner:
    """Source: Li et al., "Hyperband" (2018); a trial that is never given up runs all the epochs."""
    return HyperbandPruner(min_resource=1, max_resource=max(epochs, 3), reduction_factor=3)


def none(epochs: int) -> BasePruner:
    """Nothing is given up."""
    return NopPruner()


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.texts())
    if dimension.is_whole:
        return IntDistribution(int(dimension.low), int(dimension.high), dimension.is_log, int(dimension.step or 1))
    return FloatDistribution(dimension.low, dimension.high, dimension.is_log, dimension.step)
