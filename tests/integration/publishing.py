"""Messages put on topics by hand, as another system would."""

import base64

from aiokafka import AIOKafkaProducer

from tests.contract.story import Json


async def publish(bootstrap: str, prefix: str, lines: list[Json], compression: str | None = None) -> None:
    """Messages as `tests.contract.story.a_line` makes them, in their order."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=compression) as producer:
        for line in lines:
            value = line["valueBase64"] and base64.b64decode(line["valueBase64"])
            headers = [(name, text.encode()) for name, text in line["headers"].items()]
            await producer.send_and_wait(prefix + line["topic"], value, key=line["key"].encode(), headers=headers)
