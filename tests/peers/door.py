"""Passes connections on into the network that it runs in, for a test that stands outside.

python door.py PORT < SOCKET
    What is accepted on the listening socket that is its standard input, opened by another outside, goes to PORT of 127.0.0.1 inside.
"""
import asyncio
import socket
import sys


async def carry(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main(port):
    async def passes(reader, writer):
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, inner_writer), carry(inner_reader, writer))

    server = await asyncio.start_server(passes, sock=socket.socket(fileno=0))
    await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
