// SPDX-License-Identifier: MIT
// The real crd and the fake provider, started for one test file. Programs: CR_CRD, CR_CRCTL, CR_FAKE_UPSTREAM.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

function program(name) {
  const path = process.env[name];
  if (!path) throw new Error(`${name} must name the program: run these tests with ctest`);
  return path;
}

// Resolves with the first line that matches; rejects with all that was said if the program ends first.
function startProgram(path, args, stream, pattern) {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal));
    child.once('error', (error) => resolve(error.message));
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const ready = new Promise((resolve, reject) => {
    for (const name of ['stdout', 'stderr']) {
      createInterface({ input: child[name] }).on('line', (line) => {
        said.push(line);
        if (name === stream && pattern.test(line)) resolve(said);
      });
    }
    ended.then((how) => reject(new Error(`${path} ended (${how}): ${said.join('\n')}`)));
  });
  return { child, said, ended, ready };
}

export class Router {
  // With `tls` its listener speaks TLS, by a certificate that `caFile` vouches for.
  static async start({ tls = false } = {}) {
    const router = new Router();
    router.tls = tls;
    try {
      return await router.startPrograms();
    } catch (error) {  // or the provider's process would keep this one alive
      router.upstream?.child.kill('SIGKILL');
      router.crd?.child.kill('SIGKILL');
      throw error;
    }
  }

  async startPrograms() {
    this.dir = mkdtempSync(join(tmpdir(), 'crd-clients-'));
    this.upstream = startProgram(program('CR_FAKE_UPSTREAM'), [], 'stdout', /^listening /);
    const port = (await this.upstream.ready)[0].split(' ')[1];
    this.upstreamUrl = `http://127.0.0.1:${port}`;
    this.socket = join(this.dir, 'admin.sock');
    writeFileSync(join(this.dir, 'crd.toml'),
      `listen = ["127.0.0.1:0"]\nstate_dir = "${this.dir}/state"\nadmin_socket = "${this.socket}"\n${this.tls ? this.certify() : ''}`);
    this.crd = startProgram(program('CR_CRD'), ['--config', join(this.dir, 'crd.toml')], 'stderr', / ready( |$)/);
    await this.crd.ready;
    const [, scheme, address] = /address=(https:\/\/)?(127\.0\.0\.1:\d+)/.exec(this.crd.said.join('\n'));
    this.url = `${scheme ?? 'http://'}${address}`;
    await this.configure();
    return this;
  }

  // A certificate of its own; the lines of crd.toml that name it.
  certify() {
    this.caFile = join(this.dir, 'cert.pem');
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30',
      '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-out', this.caFile, '-keyout', join(this.dir, 'key.pem')],
    { stdio: 'ignore' });
    return `[tls]\ncert = "${this.caFile}"\nkey = "${this.dir}/key.pem"\n`;
  }

  async configure() {
    const base = ['--base-url', `${this.upstreamUrl}/v1`, '--allow-private', '--key-stdin'];
    await this.crctl(['channel', 'create', 'fake-openai', '--kind', 'openai', '--models', 'fake-*', ...base], 'upstream-key');
    await this.crctl(['channel', 'create', 'fake-anthropic', '--kind', 'anthropic', '--models', 'claude-fake*', ...base],
      'upstream-key');
    await this.crctl(['channel', 'create', 'moderator', '--kind', 'openai', '--models', 'omni-moderation-latest', ...base], 'upstream-key');
    await this.crctl(['price', 'set', 'fake-images', '--per-image', '0.04']);
    await this.crctl(['price', 'set', 'fake-voice', '--per-character', '15']);
    for (const model of ['fake-a', 'fake-b', 'claude-fake'])
      await this.crctl(['price', 'set', model, '--input', '1', '--output', '2', '--max-output', '4096', '--context', '16000']);
  }

  // Its stdout; an error with its words unless it exits 0.
  crctl(args, input = '') {
    return new Promise((resolve, reject) => {
      const child = execFile(program('CR_CRCTL'), ['--socket', this.socket, ...args], (error, out, err) => {
        if (error) reject(new Error(`crctl ${args.join(' ')}: ${err}`));
        else resolve(out);
      });
      child.stdin.on('error', () => {});  // a command that reads none may be gone before it is written
      child.stdin.end(input);
    });
  }

  async token(name, ...flags) {
    return (await this.crctl(['token', 'create', name, ...flags])).trim();
  }

  // Requests in the store, newest first, of one token.
  async requests(token) {
    return JSON.parse(await this.crctl(['request', 'list', '--token', token, '--json']));
  }

  async behave(behaviour) {
    const answer = await fetch(`${this.upstreamUrl}/control`, { method: 'POST', body: JSON.stringify(behaviour) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async tally() {
    return (await fetch(`${this.upstreamUrl}/control/tally`)).json();
  }

  async lastSeen() {
    return (await (await fetch(`${this.upstreamUrl}/control/requests`)).json()).at(-1);
  }

  async resetUpstream() {
    await fetch(`${this.upstreamUrl}/control/reset`, { method: 'POST' });
  }

  async stop() {
    this.crd.child.kill('SIGTERM');
    const how = await this.crd.ended;
    this.upstream.child.kill('SIGKILL');
    await this.upstream.ended;
    rmSync(this.dir, { recursive: true, force: true });
    if (how !== 0) throw new Error(`crd ended with ${how}: ${this.crd.said.join('\n')}`);
  }
}

// A fetch that counts, to see an SDK's retries.
export function countingFetch() {
  const counting = async (...args) => {
    counting.calls += 1;
    return fetch(...args);
  };
  counting.calls = 0;
  return counting;
}

export const weatherParameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
