"""Rebuilds that operators ask for."""

from uuid import uuid4

import pytest

from contracts.values import Role
from local import RealParts
from services.chassis.commands import Answer, Call, NoBody, carry_out
from services.chassis.problems import NotAllowed
from services.reporting import api, store
from tests.builders import NOW, an_actor
from tests.sandbox import Sandbox, a_sandbox


async def test_who_asks_again_while_a_rebuild_waits_is_told_so(stack: RealParts) -> None:
    async with a_sandbox(stack, "reporting") as sandbox:
        first = await ask(sandbox)

        with pytest.raises(api.RebuildUnderWay) as refused:
            await ask(sandbox)
        async with sandbox.database.transaction() as tx:
            waiting = await store.unfinished_rebuild(tx.db, "asked")
            assert waiting is not None
            await store.finish_rebuild(tx.db, waiting.rebuild_id, {}, NOW)
        second = await ask(sandbox)

        assert refused.value.errors[0].value == first.subject
        assert second.subject != first.subject


async def test_only_an_operator_asks_for_a_rebuild(stack: RealParts) -> None:
    async with a_sandbox(stack, "reporting") as sandbox:
        with pytest.raises(NotAllowed):
            await ask(sandbox, "analyst")


async def ask(sandbox: Sandbox, role: Role = "operator") -> Answer:
    call = Call(by=an_actor(role), at=NOW, body=NoBody(), key=str(uuid4()))
    return await carry_out(sandbox.database, api.commands.by_name["askForRebuild"], call)
