"""Nothing is drawn where nobody looks."""

from mien.cli.progress import bar


def test_a_pipe_stays_clean(capsys):
    with bar("reading") as step:
        step("reading", 1, 0)
        step("classifying", 1, 2)
    assert capsys.readouterr() == ("", "")
