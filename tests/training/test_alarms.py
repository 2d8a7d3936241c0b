"""Alarms: raised when they should be, once, with a cure; and not on a run that goes well."""

from dcgan.training.alarms import PATIENCE, Alarms


def raised(lines: list[tuple[float, float]]) -> list[list[str]]:
    alarms = Alarms()
    metrics = [{"d_accuracy": accuracy, "diversity": diversity} for accuracy, diversity in lines]
    return [list(alarms.check(line)) for line in metrics]


def test_a_healthy_run_raises_none() -> None:
    assert not any(raised([(0.9, 0.2), (0.8, 0.6), *[(0.85, 0.95)] * 20]))


def test_a_saturated_discriminator_is_named_once_and_again_after_it_has_passed() -> None:
    saturated, well = [(1.0, 1.0)] * (PATIENCE + 3), [(0.9, 1.0)]
    names = raised(saturated + well + saturated)
    at = [i for i, found in enumerate(names) if found == ["discriminator saturated"]]
    assert at == [PATIENCE - 1, len(saturated) + 1 + PATIENCE - 1]
    assert sum(map(len, names)) == 2


def test_diversity_must_have_been_there_to_fall() -> None:
    assert not any(raised([(0.9, 0.3)] * 20))  # the start of every run
    names = raised([(0.9, 0.9), *[(0.9, 0.3)] * PATIENCE])
    assert names[-1] == ["diversity fallen"]
    assert not any(names[:-1])


def test_a_message_says_what_and_names_a_setting_that_cures_it() -> None:
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


def test_a_critic_may_tell_everything_apart() -> None:
    alarms = Alarms(is_critic=True)
    found = [alarms.check({"d_accuracy": 1.0, "diversity": 1.0}) for _ in range(2 * PATIENCE)]
    assert not any(found)


def test_a_resumed_run_remembers_that_it_was_diverse() -> None:
    alarms = Alarms()
    earlier = [{"d_accuracy": 0.9, "diversity": 0.9}, {"step": 3, "std": 0.2}]
    alarms.recall(earlier)
    found = [alarms.check({"d_accuracy": 0.9, "diversity": 0.1}) for _ in range(PATIENCE)]
    assert list(found[-1]) == ["diversity fallen"]


def test_steps_that_become_many_times_slower_are_named_once_with_a_cause_and_a_cure() -> None:
    alarms = Alarms()
    well = {"d_accuracy": 0.5, "diversity": 0.9}
    found = [alarms.check(well, each) for each in (0.02, 0.03, 0.07, 0.2, 0.2, 0.02, 0.1)]
    assert [list(raised) for raised in found] == [
        *([], [], [], ["steps slow"], [], [], ["steps slow"]),
    ]
    message = found[3]["steps slow"]
    assert "10 times as long as at the start: other programs use the cores" in message
    assert "OMP_NUM_THREADS=1" in message
