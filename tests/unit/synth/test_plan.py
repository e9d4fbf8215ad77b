"""Plans: what is wanted, and every mistake at once."""

import pytest

from mien.errors import RecipeError
from mien.synth.generator import Generator
from mien.synth.plan import Plan, Wanted


@pytest.fixture
def written(tmp_path):
    def write(text):
        (tmp_path / "plan.yaml").write_text(text)
        return tmp_path / "plan.yaml"

    return write


def test_a_file_says_it_all(written, generator_file):
    generator_file("faces.onnx")
    plan = Plan.load(
        written("""
        model: faces.onnx
        seed: 3
        truncation: 0.7
        each: 50
        classes:
          Happiness: {count: 200, truncation: 0.9}
          neutral: 0
        domain: drawn
        """)
    )
    assert (plan.seed, plan.split, plan.domain) == (3, "train", "drawn")
    assert plan.resolve(Generator(plan.model)) == {  # found beside the plan
        "fear": Wanted(count=50, truncation=0.7),
        "happy": Wanted(count=200, truncation=0.9),
    }


def test_the_command_line_comes_last(written):
    path = written("{model: faces.onnx, seed: 3, each: 50, classes: {fear: 10}}")
    plan = Plan.load(path, {"seed": 4, "truncation": None, "classes": {"happy": 5}})
    assert (plan.seed, plan.truncation, plan.each) == (4, 1.0, None)
    assert plan.classes == {"happy": Wanted(count=5)}


def test_all_mistakes_are_told_at_once(written, generator_file):
    path = written(f"""
        model: {generator_file()}
        seeds: 3
        truncation: 5
        classes:
          hapy: 10
          fear: {{cuont: 200}}
          afraid: many
        """)
    with pytest.raises(RecipeError) as error:
        Plan.load(path)
    text = str(error.value)
    assert text.startswith(f"{path}: 7 mistakes")
    for part in (
        "seeds: unknown key; did you mean 'seed'",
        "truncation: Input should be less than or equal to 2, got 5",
        "classes.fear.cuont: unknown key; did you mean 'count'?",
        "classes.fear.count: is missing",
        "classes.afraid.count: Input should be a valid integer",
        "draws no class 'hapy': did you mean 'happy'?",
        "classes.afraid: the same class as fear",
    ):
        assert part in text


def test_mistakes_in_classes_alone(generator_file):
    plan = Plan(model="x", classes={"hapy": 1, "saad": 2})
    with pytest.raises(RecipeError) as error:
        plan.resolve(Generator(generator_file()))
    assert len(error.value.mistakes) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model: faces.onnx", "asks for no picture"),
        ("{model: faces.onnx, classes: {fear: 0}}", "asks for no picture"),
        ("{model: faces.onnx, count: 5, each: 5}", "count is for generators without classes"),
        ("model: 5", "model: "),
        ("- a", "a plan is a mapping"),
        ("a: b: c", "not valid YAML"),
        ("{model: missing.onnx, each: 5, classes: {fear: x}}", "model: missing.onnx: no such model file"),
    ],
)
def test_one_mistake(written, text, expected):
    with pytest.raises(RecipeError, match=expected):
        Plan.load(written(text))


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        Plan.load(tmp_path / "no.yaml")


def test_generators_with_and_without_classes(generator_file):
    with pytest.raises(RecipeError, match="has classes: say classes or each; it draws fear, happy, neutral"):
        Plan(model="x", count=5).resolve(Generator(generator_file()))
    plain = Generator(generator_file(classes=()))
    with pytest.raises(RecipeError, match="has no classes: say count"):
        Plan(model="x", each=5).resolve(plain)
    assert Plan(model="x", count=5).resolve(plain) == {"": Wanted(count=5, truncation=1.0)}
