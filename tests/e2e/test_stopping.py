"""SIGTERM ends the processes that stay within seconds, whatever their periodic work is at."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import time

import asyncpg
import pytest
from prepared import Prepared
from test_cli import GUIADO, environment

from guiado import clock

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE '%' || $1 || '%' AND wait_event_type = 'Lock'"


@pytest.mark.parametrize("command", ["worker", "serve"])
def test_a_process_whose_jobs_wait_for_a_lock_ends_on_sigterm(dsn: str, prepared: Prepared, command: str) -> None:
    prepared.fit(dsn)

    async def run() -> None:
        holder, watch = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
        await watch.execute(
            "INSERT INTO support_troubleshooting_config (config_key, config_value) VALUES ('retention_days', '30')"
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        variables = environment(DATABASE_URL=dsn, PORT=port, GUIADO_ENCODER="lexical")
        async with holder.transaction():
            await holder.execute("SELECT pg_advisory_xact_lock(5207106)")
            process = subprocess.Popen(
                [GUIADO, command], env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            try:
                deadline = clock.monotonic_s() + 40
                while await watch.fetchval(_WAITING, "guiado_roll_up") == 0 and clock.monotonic_s() < deadline:
                    await asyncio.sleep(0.05)
                begun = time.monotonic()
                process.send_signal(signal.SIGTERM)
                _, said = await asyncio.to_thread(process.communicate, timeout=20)
            finally:
                process.kill()
            assert time.monotonic() - begun < 10, said
            assert "job_broken_off" in said
            assert process.returncode == 0
            assert await watch.fetchval(_WAITING, "_views()") == await watch.fetchval(_WAITING, "guiado_roll_up") == 0
        await holder.close()
        await watch.close()

    asyncio.run(run())
