"""Which pictures a training has seen, and how far others are from them.

A *group* is a domain, or with a second column the pictures of one content in it. A *training* has seen some groups. The
*relation* of another group to it says what is new about that group: nothing, its content, its domain, or both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mien.errors import InputError

Kind = Literal["alone", "without", "all"]

#: What trainings there are, and what they have seen.
KINDS: dict[str, str] = {
    "alone": "one group",
    "without": "all groups but those of one domain (or content)",
    "all": "all groups",
}
#: A training with one group is tested on pictures ...
WITHIN, CROSS_DOMAIN, CROSS_CONTENT, CROSS_BOTH = (
    "within domain",
    "cross-domain",
    "cross-content",
    "cross-domain and content",
)


@dataclass(frozen=True, order=True)
class Group:
    """Pictures of one domain, and of one content when a second column is looked at.

    Example:
        >>> str(Group("web")), str(Group("web", "adverts"))
        ('web', 'web/adverts')
    """

    domain: str
    content: str = ""

    def __str__(self) -> str:
        return f"{self.domain}/{self.content}" if self.content else self.domain


@dataclass(frozen=True)
class Training:
    """Which groups a model has learned from.

    Attributes:
        name: e.g. "web", "without web", "all".
        kind: one of ``KINDS``.
        groups: what it has seen.
    """

    name: str
    kind: Kind
    groups: tuple[Group, ...]

    def relation(self, group: Group) -> str:
        """How far a group is from what was seen.

        Example:
            >>> Training("web", "alone", (Group("web"),)).relation(Group("press"))
            'cross-domain'
        """
        if group in self.groups:
            return WITHIN
        knows_domain = group.domain in {seen.domain for seen in self.groups}
        if knows_domain:
            return CROSS_CONTENT
        knows_content = not group.content or group.content in {seen.content for seen in self.groups}
        return CROSS_DOMAIN if knows_content else CROSS_BOTH


def plan(groups: Sequence[Group], kinds: Sequence[str] = ("alone", "without", "all")) -> list[Training]:
    """The trainings that a matrix needs.

    Args:
        groups: two or more.
        kinds: some of ``KINDS``; those that would see what another has seen already are left out.

    Raises:
        InputError: an unknown kind, or fewer than two groups.

    Example:
        >>> [training.name for training in plan([Group("web"), Group("press")])]
        ['web', 'press', 'all']
        >>> [training.name for training in plan([Group("a"), Group("b"), Group("c")], ["without"])]
        ['without a', 'without b', 'without c']
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise InputError(f"trainings {', '.join(map(repr, unknown))}: expected some of {', '.join(KINDS)}")
    if len(groups) < 2:
        found = f"only {groups[0]}" if groups else "none"
        raise InputError(
            f"across domains needs two groups of pictures, and there is {found}; fill the column, or merge"
        )
    wanted: list[Training] = []
    if "alone" in kinds:
        wanted += [Training(str(group), "alone", (group,)) for group in groups]
    if "without" in kinds:
        for part in ("domain", "content"):
            values = list(dict.fromkeys(getattr(group, part) for group in groups))
            for value in values if len(values) > 1 else ():
                seen = tuple(group for group in groups if getattr(group, part) != value)
                wanted.append(Training(f"without {value}", "without", seen))
    if "all" in kinds:
        wanted.append(Training("all", "all", tuple(groups)))
    different = {frozenset(training.groups): training for training in reversed(wanted)}
    return [training for training in wanted if different[frozenset(training.groups)] is training]
