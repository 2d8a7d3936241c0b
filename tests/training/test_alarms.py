"""Alarms are raised when they should be, once, with a fix, and never in a healthy run."""

from dcgan.training.alarms import PATIENCE, Alarms


def raised(lines: list[tuple[float, float]]) -> list[list[str]]:
    alarms = Alarms()
    metrics = [{"d_accuracy": accuracy, "diversity": diversity} for accuracy, diversity in lines]
    return [list(alarms.check(line)) for line in metrics]


def test_a_healthy_run_raises_no_alarm() -> None:
    assert not any(raised([(0.9, 0.2), (0.8, 0.6), *[(0.85, 0.95)] * 20]))


def test_saturation_is_reported_once_and_again_only_if_it_recurs() -> None:
    saturated, well = [(1.0, 1.0)] * (PATIENCE + 3), [(0.9, 1.0)]
    names = raised(saturated + well + saturated)
    at = [i for i, found in enumerate(names) if found == ["discriminator saturated"]]
    assert at == [PATIENCE - 1, len(saturated) + 1 + PATIENCE - 1]
    assert sum(map(len, names)) == 2


def test_low_diversity_only_counts_once_it_has_been_high() -> None:
    assert not any(raised([(0.9, 0.3)] * 20))  # every run starts like this
    names = raised([(0.9, 0.9), *[(0.9, 0.3)] * PATIENCE])
    assert names[-1] == ["diversity fallen"]
    assert not any(names[:-1])


def test_a_message_states_the_problem_and_a_setting_that_fixes_it() -> None:
    alarms = Alarms()
    alarms.check({"d_accuracy": 0.5, "diversity": 0.9})
    for _ in range(PATIENCE):
        found = alarms.check({"d_accuracy": 1.0, "diversity": 0.25})
    saturated, fallen = found.values()
    assert "classifies 100.0% of the images correctly" in saturated
    assert "trainer.discriminator_lr" in saturated
    assert "25% as much as real ones" in fallen
    assert "regularizer=r1" in fallen
    assert "\n" not in saturated + fallen


def test_a_critic_may_separate_real_from_fake_completely() -> None:
    alarms = Alarms(is_critic=True)
    found = [alarms.check({"d_accuracy": 1.0, "diversity": 1.0}) for _ in range(2 * PATIENCE)]
    assert not any(found)


def test_a_resumed_run_remembers_its_earlier_diversity() -> None:
    alarms = Alarms()
    earlier = [{"d_accuracy": 0.9, "diversity": 0.9}, {"step": 3, "std": 0.2}]
    alarms.recall(earlier)
    found = [alarms.check({"d_accuracy": 0.9, "diversity": 0.1}) for _ in range(PATIENCE)]
    assert list(found[-1]) == ["diversity fallen"]


def test_a_resumed_run_with_batches_of_one_does_not_repeat_an_alarm() -> None:
    alarms = Alarms()
    alarms.recall([{"d_accuracy": 1.0}] * PATIENCE)  # a batch of one has no diversity
    assert not alarms.check({"d_accuracy": 1.0})


def test_a_large_slowdown_is_reported_once_with_its_cause_and_a_fix() -> None:
    alarms = Alarms()
    well = {"d_accuracy": 0.5, "diversity": 0.9}
    found = [alarms.check(well, each) for each in (0.02, 0.03, 0.07, 0.2, 0.2, 0.02, 0.1)]
    assert [list(raised) for raised in found] == [
        *([], [], [], ["steps slow"], [], [], ["steps slow"]),
    ]
    message = found[3]["steps slow"]
    assert "10 times as long as at the start, probably because other programs" in message
    assert "OMP_NUM_THREADS=1" in message
