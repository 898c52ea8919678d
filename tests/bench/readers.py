"""Many who have a page open, in a process of their own: `python -m tests.bench.readers PORT NUMBER PATH`.

Writes the time when all listen, and each time that all were told what is new.
"""

import asyncio
import sys
import time


async def main(port: int, number: int, path: str) -> None:
    told = [0] * number
    said = 0

    async def read(which: int) -> None:
        nonlocal said
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        while line := await reader.readline():
            if not line.startswith(b"id: "):  # the rest of an event follows at once
                continue
            told[which] += 1  # at first what there is
            if min(told) > said:
                said = min(told)
                sys.stdout.write(f"{time.time()}\n")
                sys.stdout.flush()

    await asyncio.gather(*map(read, range(number)))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
