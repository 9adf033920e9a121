from nightsweep.cluster.seating import Place, Seating


def place(device: str, host: str = "node-1") -> Place:
    return Place(host=host, pid=1, device=device)


def seated(**places: Place) -> Seating:
    seating = Seating()
    for slot, there in places.items():
        seating.sits(slot, there)
    return seating


def test_slots_on_one_gpu_share_it_and_those_on_cpus_their_host() -> None:
    assert place("cuda:0").shares(place("cuda:0"))
    assert place("cpu").shares(place("cpu"))
    assert not place("cuda:0").shares(place("cuda:1"))
    assert not place("cuda:0").shares(place("cuda:0", host="node-2"))
    assert not place("cpu").shares(place("cpu", host="node-2"))


def test_a_slot_is_beside_those_that_share_its_device_and_not_beside_itself() -> None:
    seating = seated(a=place("cuda:0"), b=place("cuda:0"), c=place("cuda:1"))
    assert seating.beside("a", ["a", "b", "c"])
    assert not seating.beside("a", ["a", "c"])
    assert not seating.beside("a", [])


def test_a_slot_that_was_not_heard_of_may_be_anywhere() -> None:
    seating = seated(a=place("cuda:0"))
    assert seating.beside("a", ["new"])
    assert seating.beside("new", ["a"])


def test_a_device_is_kept_from_all_slots_on_it_but_one() -> None:
    seating = seated(a=place("cuda:0"), b=place("cuda:0"), c=place("cuda:1"))
    seating.kept_for = "a"
    assert [seating.kept_from(slot) for slot in ("a", "b", "c")] == [False, True, False]


def test_nothing_is_kept_for_a_slot_that_is_gone() -> None:
    seating = seated(a=place("cpu"), b=place("cpu"))
    seating.kept_for = "a"
    seating.left("b")
    assert seating.kept_for == "a"
    seating.left("a")
    assert seating.kept_for is None
    assert not seating.kept_from("b")


def test_a_slot_with_a_part_of_a_gpu_may_take_no_more_of_its_memory() -> None:
    has = {"none": 0.0, "half": 0.5, "whole": 1.0, "two": 2.0}
    seating = seated(
        **{slot: Place(host="a", pid=1, device="0", gpus=gpus) for slot, gpus in has.items()}
    )
    assert [slot for slot in has if seating.capped(slot)] == ["half"]
    assert not seating.capped("not heard of")
