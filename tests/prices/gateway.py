# SPDX-License-Identifier: MIT
"""What the tests here run on: the real crd on a temporary directory and port 0, its admin socket, a provider made of one function,
and a client of HTTP. One event loop; of crd's programs: CR_CRD and CR_CRCTL."""
import asyncio
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from decimal import ROUND_CEILING, Decimal

NANO = 10 ** 9


def nano(dollars):
    """Nano-dollars of an amount as crd writes it, or of any exact number of dollars: upwards."""
    return int((Decimal(dollars) * NANO).to_integral_value(ROUND_CEILING))


class Head:
    """A parsed head: its first line in three parts, and its fields by name in lower case."""

    def __init__(self, raw):
        lines = raw.decode('latin-1').split('\r\n')
        self.first = lines[0].split(' ', 2)
        self.fields = {}
        self.cut = False  # its body broke off
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(':')
                self.fields[name.lower()] = value.strip()


async def read_size(reader, head):
    line = await reader.readline()
    head.cut = not line
    return int(line.split(b';')[0], 16) if line else 0


async def read_message(reader):
    """(head, body); None where the peer has closed the connection before one."""
    try:
        head = Head(await reader.readuntil(b'\r\n\r\n'))
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    if head.fields.get('transfer-encoding', '').lower() == 'chunked':
        body = b''
        while size := await read_size(reader, head):
            body += (await reader.readexactly(size + 2))[:-2]
        if head.cut:
            return head, body
        await reader.readline()
        return head, body
    return head, await reader.readexactly(int(head.fields.get('content-length', '0')))


class Reply:
    """What a provider answers: one body, or a stream's events as chunks."""

    def __init__(self, status, body, fields=None, events=None):
        self.status, self.fields, self.events = status, fields or {}, events
        self.cut = False  # the connection is closed before the end
        self.body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()

    @classmethod
    def stream(cls, events):
        return cls(200, b'', {'content-type': 'text/event-stream'}, events)

    def written(self):
        fields = {'content-type': 'application/json', **self.fields}
        if self.events is None:
            fields['content-length'] = str(len(self.body))
            body = self.body
        else:
            fields['transfer-encoding'] = 'chunked'
            body = b''.join(b'%x\r\n%s\r\n' % (len(event), event) for event in self.events) + (b'' if self.cut else b'0\r\n\r\n')
        head = ''.join(f'{name}: {value}\r\n' for name, value in fields.items())
        return f'HTTP/1.1 {self.status} X\r\n{head}\r\n'.encode() + body


def event(data, name=None):
    return ((f'event: {name}\n' if name else '') + f'data: {data if isinstance(data, str) else json.dumps(data)}\n\n').encode()


class Provider:
    """A server of HTTP whose answers are those of `answer(method, path, fields, body) -> Reply`, a coroutine function."""

    def __init__(self, answer):
        self.answer = answer
        self.faults = []
        self.writers = set()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, '127.0.0.1', 0, backlog=512)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            while message := await read_message(reader):
                head, body = message
                reply = await self.answer(head.first[0], head.first[1], head.fields, body)
                writer.write(reply.written())
                await writer.drain()
                if reply.cut:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as error:  # of the provider's own code: the test tells it
            self.faults.append(repr(error))
        finally:
            self.writers.discard(writer)
            writer.close()

    async def stop(self):
        self.server.close()
        while self.writers:  # each ends with its connection
            for writer in list(self.writers):
                writer.close()
            await asyncio.sleep(0.01)


class Answer:
    def __init__(self, head, body):
        self.status, self.fields, self.body = int(head.first[1]), head.fields, body

    def json(self):
        return json.loads(self.body)

    def error(self):
        """The error's code, or type, where it is one."""
        with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError):
            error = self.json()['error']
            return error.get('code') or error.get('type')
        return None


class Client:
    """Keeps connections to one port. An answer that breaks off is an exception."""

    def __init__(self, port):
        self.port, self.idle = port, []

    async def post(self, path, key, body, fields=None, may_break=False):
        data = json.dumps(body).encode()
        more = ''.join(f'{name}: {value}\r\n' for name, value in (fields or {}).items())
        request = (f'POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n'
                   f'content-type: application/json\r\ncontent-length: {len(data)}\r\n{more}\r\n').encode() + data
        reader, writer = self.kept() or await asyncio.open_connection('127.0.0.1', self.port, limit=1 << 24)
        writer.write(request)
        message = await read_message(reader)
        if message is None:
            raise ConnectionError('crd closed the connection without an answer')
        if message[0].cut and not may_break:
            raise ConnectionError('an answer broke off')
        if message[0].cut or message[0].fields.get('connection', '').lower() == 'close':
            writer.close()
        else:
            self.idle.append((reader, writer))
        return Answer(*message)

    def kept(self):
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def close(self):
        for _, writer in self.idle:
            writer.close()


class AdminConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost')
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)


class Gateway:
    """crd, from the start to the end of a `with`; its exit code is looked at."""

    def __init__(self, settings='', environment=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='crd-prices-'))
        self.socket = str(self.directory / 'admin.sock')
        self.environment = {**os.environ, **(environment or {})}
        self.local = threading.local()
        (self.directory / 'crd.toml').write_text(
            f'listen = ["127.0.0.1:0"]\nadmin_socket = "{self.socket}"\nstate_dir = "{self.directory}/state"\n{settings}\n')

    def __enter__(self):
        self.log = open(self.directory / 'log', 'w+b')
        self.process = subprocess.Popen([os.environ['CR_CRD'], '--config', str(self.directory / 'crd.toml')], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.environment)
        self.port = None
        for line in self.process.stderr:
            self.log.write(line)
            words = line.decode(errors='replace').split()
            for word in words:
                if word.startswith('address=127.0.0.1:'):
                    self.port = int(word.rsplit(':', 1)[1])
            if 'ready' in words:
                break
        else:
            raise SystemExit(f'crd did not start: {self.logged()}')
        self.copier = threading.Thread(target=shutil.copyfileobj, args=(self.process.stderr, self.log), daemon=True)
        self.copier.start()
        return self

    def __exit__(self, *error):
        self.process.send_signal(signal.SIGTERM)
        try:
            exit_code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            exit_code = 'none within a minute'
        self.copier.join(5)
        logged = self.logged()
        shutil.rmtree(self.directory, ignore_errors=True)
        if exit_code != 0 or 'runtime error' in logged or 'Sanitizer' in logged:
            raise SystemExit(f'crd ended with {exit_code}: {logged[-5000:]}')

    def logged(self):
        self.log.flush()
        return (self.directory / 'log').read_text(errors='replace')

    def admin(self, method, path, body=None):
        """One request of the admin socket, on a connection of this thread; SystemExit with crd's words unless it succeeds."""
        if not hasattr(self.local, 'connection'):
            self.local.connection = AdminConnection(self.socket)
        connection = self.local.connection
        try:
            connection.request(method, '/admin/v1' + path, None if body is None else json.dumps(body), {'content-type': 'application/json'})
            response = connection.getresponse()
        except (http.client.HTTPException, ConnectionError):  # an idle one had been closed
            connection.close()
            connection.request(method, '/admin/v1' + path, None if body is None else json.dumps(body), {'content-type': 'application/json'})
            response = connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise SystemExit(f'{method} {path}: {response.status} {text.decode()}')
        return json.loads(text) if text else None

    def token(self, name, **settings):
        return self.admin('POST', '/tokens', {'name': name, **settings})['key']

    def channel(self, name, port, models, kind='openai', path='/v1', **settings):
        self.admin('POST', '/channels', {'name': name, 'kind': kind, 'base_url': f'http://127.0.0.1:{port}{path}', 'models': models,
                                         'allow_private': True, 'key': 'key-of-' + name, **settings})

    def crctl(self, *arguments, text=''):
        done = subprocess.run([os.environ['CR_CRCTL'], '--socket', self.socket, *arguments], input=text, capture_output=True, text=True,
                              timeout=120, env=self.environment)
        if done.returncode != 0:
            raise SystemExit(f'crctl {" ".join(arguments)}: exit {done.returncode}: {done.stderr}')
        return done.stdout

    def sql(self, query):
        with contextlib.closing(sqlite3.connect(f'file:{self.directory}/state/ledger.db?mode=ro', uri=True, timeout=30)) as ledger:
            return ledger.execute(query).fetchall()

    def settled(self):
        """Waits until nothing is reserved: answers are with their clients a moment before they are posted."""
        deadline = time.monotonic() + 30
        while (held := self.sql('SELECT coalesce(sum(reserved), 0) FROM token_balance')[0][0]) and time.monotonic() < deadline:
            time.sleep(0.02)
        if held:
            raise SystemExit(f'{held} nano-dollars are still reserved')
