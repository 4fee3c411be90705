import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow.rl import AllSteps, FrozenWindow, RandomWindow, SlidingWindow
from gen3d.runtime.seeds import make_generator


def starts(window, count, steps):
    generator = make_generator(0)
    return [window.at(i, steps, generator).start for i in range(count)]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (SlidingWindow(2, stay=3), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0]),
        (SlidingWindow(2, stay=3, roll_back=False), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]),
        (SlidingWindow(2, stay=2, stride=2), [0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2, 0, 0]),
        (SlidingWindow(2, stay=4, decay="linear"), [0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 0, 0, 0, 0]),
        (
            SlidingWindow(2, stay=4, decay="exponential", rate=0.7, threshold=1),
            [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 0, 0, 0],
        ),
        (FrozenWindow(2, start=1), [1] * 14),
    ],
)
def test_window_moves_as_the_table_says(window, expected):
    assert starts(window, 14, steps=6) == expected


def test_published_stays_of_the_exponential_decay():
    window = SlidingWindow(stay=20, decay="exponential")
    assert [window.stay_at(start, 21) for start in (0, 13, 14, 20)] == [20, 20, 19, 10]


def test_all_steps_leave_out_the_last():
    assert AllSteps().at(0, 10, make_generator(0)) == range(9)


def test_random_window_visits_every_start_and_never_the_last_step():
    drawn = starts(RandomWindow(1), 200, steps=5)
    assert set(drawn) == {0, 1, 2, 3}
    assert set(starts(RandomWindow(3), 100, steps=5)) == {0, 1}


def test_random_window_follows_its_generator():
    assert starts(RandomWindow(2), 20, steps=9) == starts(RandomWindow(2), 20, steps=9)


@pytest.mark.parametrize(
    "window", [RandomWindow(4), SlidingWindow(0), FrozenWindow(2, start=2), FrozenWindow(9)]
)
def test_window_that_does_not_fit_is_refused(window):
    with pytest.raises(InputError):
        window.at(0, 4, torch.Generator())


def test_stay_of_nothing_is_refused():
    with pytest.raises(InputError, match="stay"):
        SlidingWindow(stay=0)
