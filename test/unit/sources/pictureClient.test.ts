import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { UserError } from '../../../src/domain/errors.ts';
import { HostPace } from '../../../src/sources/hostPace.ts';
import { PictureClient, retryAfter, type FetchOutcome } from '../../../src/sources/pictureClient.ts';
import { PictureOfPage } from '../../../src/sources/pictureOfPage.ts';
import { isPublic, parseAllowedHosts, requireWebAddress } from '../../../src/sources/publicAddress.ts';
import { brokenOff, bytes, once, page, redirect, silent, startPictureServer, status, type PictureServer } from '../../harness/pictureServer.ts';
import { PICTURES } from './pictureBytes.ts';
import { removeFolders, temporaryFolder } from './sourceFixture.ts';

const never = new AbortController().signal;

describe('fetching a picture', () => {
  let server: PictureServer;
  let file: string;
  const clients: PictureClient[] = [];
  before(async () => {
    server = await startPictureServer();
    file = join(temporaryFolder(), 'picture');
  });
  afterEach(() => {
    server.answers.clear();
    server.asked.length = 0;
    for (const client of clients.splice(0)) client.close();
  });
  after(async () => {
    await server.close();
    removeFolders();
  });

  const makeClient = (allowed = server.host, patience = {}): PictureClient => {
    const client = new PictureClient({ userAgent: 'SMPCurator/test', requestsPerSecond: 1000, allowedHosts: parseAllowedHosts(allowed), patience: { backoff: 0.01, ...patience } });
    clients.push(client);
    return client;
  };
  const fetch = (path: string, client = makeClient()): Promise<FetchOutcome> => client.fetch(path.startsWith('/') ? server.base + path : path, file, never);
  const dead = (reason: string, code: number | null = null): FetchOutcome => ({ kind: 'dead', reason, status: code });
  const later = (reason: string, code: number | null, answered: boolean): FetchOutcome => ({ kind: 'later', reason, status: code, answered });

  it('takes an address of a picture as it is, whatever its name and type say', async () => {
    server.answers.set('/a.png', bytes(PICTURES.jpeg, 'text/html'));
    assert.deepEqual(await fetch('/a.png'), { kind: 'picture', format: 'jpeg', size: PICTURES.jpeg.length });
    assert.deepEqual(readFileSync(file), PICTURES.jpeg);
  });

  it('says who asks, and asks for nothing packed', async () => {
    let headers: Record<string, unknown> = {};
    server.answers.set('/a', (response, request) => {
      headers = request.headers;
      bytes(PICTURES.png)(response, request);
    });
    await fetch('/a');
    assert.equal(headers['user-agent'], 'SMPCurator/test');
    assert.equal(headers['accept-encoding'], 'identity');
    server.answers.set('/packed', (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('xxxxxxxxxxxxxxxxxxxxx'));
    assert.deepEqual(await fetch('/packed'), later('sends gzip unasked', 200, true));
  });

  it('finds the picture of a page by its og:image, also behind a relative address', async () => {
    server.answers.set('/photos/1', page('/static/1.jpg?a=1&amp;b=2')).set('/static/1.jpg?a=1&b=2', bytes(PICTURES.jpeg));
    assert.equal((await fetch('/photos/1')).kind, 'picture');
    assert.deepEqual(server.asked, ['/photos/1', '/static/1.jpg?a=1&b=2']);
  });

  it('calls pages without a picture dead, and pages that name pages', async () => {
    server.answers.set('/none', page(null)).set('/loop', page('/none')).set('/removed', page('/pw/images/photo_unavailable.png')).set('/moved', redirect('/pw/images/en-us/photo_unavailable_l.png'));
    assert.deepEqual(await fetch('/none'), dead('page names no picture'));
    assert.deepEqual(await fetch('/loop'), dead('page names a page as its picture'));
    assert.deepEqual(await fetch('/removed'), dead('picture was removed'));
    assert.deepEqual(await fetch('/moved'), dead('picture was removed'));
  });

  it('tells what is gone from what may come back', async () => {
    for (const code of [404, 410, 451]) {
      server.answers.set('/x', status(code));
      assert.deepEqual(await fetch('/x'), dead(`HTTP ${code}`, code));
    }
    for (const code of [403, 500]) {
      server.answers.set('/x', status(code));
      assert.deepEqual(await fetch('/x'), later(`HTTP ${code}`, code, true));
    }
  });

  it('waits when a server asks for it, and asks again', async () => {
    server.answers.set('/busy', once(status(429, { 'retry-after': '0' }), bytes(PICTURES.jpeg))).set('/always', status(503, { 'retry-after': '0' })).set('/silent', once(status(503), bytes(PICTURES.jpeg)));
    assert.equal((await fetch('/busy')).kind, 'picture');
    assert.equal((await fetch('/silent')).kind, 'picture');
    server.asked.length = 0;
    assert.deepEqual(await fetch('/always'), later('server is busy', 503, false));
    assert.equal(server.asked.length, 3);
    const client = makeClient();
    server.answers.set('/hours', status(429, { 'retry-after': '7200' }));
    assert.deepEqual(await fetch('/hours', client), later('asks to be left alone for 120 minutes', null, false));
    assert.deepEqual(await fetch('/busy', client), later('asks to be left alone for 120 minutes', null, false), 'and is left alone');
    const now = Date.parse('2026-01-01T00:00:00Z');
    assert.equal(retryAfter({ headers: { 'retry-after': 'Thu, 01 Jan 2026 00:01:30 GMT' } }, now), 90);
    assert.equal(retryAfter({ headers: { 'retry-after': 'soon' } }, now), null);
  });

  it('follows redirects a few times', async () => {
    server.answers.set('/0', redirect('/1', 301)).set('/1', redirect(`${server.base}/2`, 307)).set('/2', bytes(PICTURES.gif)).set('/round', redirect('/round'));
    assert.equal((await fetch('/0')).kind, 'picture');
    server.asked.length = 0;
    assert.deepEqual(await fetch('/round'), dead('too many redirects'));
    assert.equal(server.asked.length, 6);
  });

  it('never asks a private network: not by number, name, redirect or page', async () => {
    for (const address of [`http://127.0.0.1:${server.host.split(':')[1]}/a`, 'http://127.1/', 'http://2130706433/', 'http://0x7f.0.0.1/', 'http://[::1]/', 'http://[::ffff:10.0.0.1]/', 'http://169.254.169.254/latest/meta-data/', 'http://10.0.0.1/', 'http://0.0.0.0/', 'http://localhost/']) {
      assert.deepEqual(await fetch(address, makeClient('')), dead('private network address'), address);
    }
    const second = await startPictureServer();
    try {
      second.answers.set('/secret', bytes(PICTURES.jpeg));
      server.answers.set('/jump', redirect(`${second.base}/secret`)).set('/named', redirect(`http://localhost:${second.host.split(':')[1]}/secret`)).set('/page', page(`${second.base}/secret`));
      for (const path of ['/jump', '/named', '/page']) assert.deepEqual(await fetch(path), dead('private network address'), path);
      assert.deepEqual(second.asked, []);
    } finally {
      await second.close();
    }
    for (const address of ['file:///etc/passwd', 'ftp://example.org/x.jpg', 'javascript:alert(1)', 'data:image/png;base64,AAAA']) assert.deepEqual(await fetch(address), dead('neither http nor https'), address);
    server.answers.set('/file', redirect('file:///etc/passwd'));
    assert.deepEqual(await fetch('/file'), dead('neither http nor https'));
    assert.deepEqual(await fetch(`http://me:secret@${server.host}/a`), dead('address with a password'));
    for (const address of ['', 'no address', 'http://', `http://example.org/${'x'.repeat(5000)}`]) assert.deepEqual(await fetch(address), dead('no web address'), address);
  });

  it('keeps nothing that is no picture, is none that can be decoded, or never ends', async () => {
    const bomb = Buffer.from(PICTURES.png);
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    const endless: Parameters<typeof server.answers.set>[1] = (response) => {
      response.writeHead(200, { 'content-type': 'image/jpeg' });
      response.write(PICTURES.jpeg);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1024 * 1024)));
        response.once('drain', more);
      };
      more();
    };
    server.answers.set('/text', bytes(Buffer.from('just words, and more of them'), 'image/jpeg')).set('/bomb', bytes(bomb)).set('/cut', bytes(PICTURES.jpeg.subarray(0, 200))).set('/empty', bytes(Buffer.alloc(0)))
      .set('/large', (response) => void response.writeHead(200, { 'content-length': 33 * 1024 * 1024 }).write(PICTURES.jpeg)).set('/endless', endless)
      .set('/longPage', bytes(Buffer.from(`<html><head>${'<meta name="x">'.repeat(200_000)}<meta property="og:image" content="/a">`), 'text/html'));
    assert.deepEqual(await fetch('/text'), dead('picture of unknown format', 200));
    assert.deepEqual(await fetch('/bomb'), dead('picture too large'));
    assert.deepEqual(await fetch('/cut'), later('picture broken', null, true));
    assert.deepEqual(await fetch('/empty'), later('picture empty', 200, true));
    assert.deepEqual(await fetch('/large'), dead('too many bytes', 200));
    assert.deepEqual(await fetch('/endless'), dead('too many bytes', 200));
    assert.deepEqual(await fetch('/longPage'), dead('page names no picture'));
  });

  it('blames the network, not the address, for connections that fail', async () => {
    server.answers.set('/off', brokenOff(PICTURES.jpeg.subarray(0, 300))).set('/drop', (response) => void response.destroy()).set('/slow', silent(PICTURES.jpeg.subarray(0, 100)));
    assert.deepEqual(await fetch('/off'), later('connection broke off', null, false));
    assert.deepEqual(await fetch('/drop'), later('connection broke off', null, false));
    assert.deepEqual(await fetch('/slow', makeClient(server.host, { silence: 0.2 })), later('no answer in time', null, false));
    const free = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const { port } = probe.address() as { port: number };
        probe.close(() => resolve(port));
      });
    });
    const client = makeClient(`127.0.0.1:${free}`);
    assert.deepEqual(await fetch(`http://127.0.0.1:${free}/a`, client), later('server refuses connections', null, false));
    const unknown = await fetch('http://no-such-host.invalid/a');
    assert.ok(unknown.kind === 'later' && !unknown.answered && /^(server is not found|names cannot be looked up)$/.test(unknown.reason), JSON.stringify(unknown));
    for (let i = 0; i < 4; i++) await fetch(`http://127.0.0.1:${free}/a`, client);
    assert.equal(client.pace.givenUp(`127.0.0.1:${free}`), 'server refuses connections');
  });

  it('ends at once when it is cancelled', async () => {
    server.answers.set('/slow', silent(PICTURES.jpeg.subarray(0, 100)));
    const controller = new AbortController();
    const going = makeClient().fetch(`${server.base}/slow`, file, controller.signal);
    while (server.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    await assert.rejects(going, { name: 'AbortError' });
  });

  it('tells that a picture cannot be written, and blames no address', async () => {
    server.answers.set('/a', bytes(PICTURES.jpeg));
    const folder = join(temporaryFolder(), 'folder');
    mkdirSync(folder);
    await assert.rejects(makeClient().fetch(`${server.base}/a`, folder, never), (error) => error instanceof UserError && error.code === 'picture-not-written');
    if (existsSync('/dev/full')) await assert.rejects(makeClient().fetch(`${server.base}/a`, '/dev/full', never), (error) => error instanceof UserError && /no room/.test(error.message));
  });
});

describe('addresses', () => {
  it('are public or not', () => {
    for (const address of ['8.8.8.8', '151.101.1.1', '2606:4700::1111', '::ffff:8.8.8.8']) assert.ok(isPublic(address), address);
    for (const address of ['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255', '192.0.2.1', '198.18.0.1',
      '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fec0::1', 'ff02::1', '::ffff:127.0.0.1', '64:ff9b::10.0.0.1', '2002:a00:1::', '2001:db8::1', '::127.0.0.1', '100::1', '', 'x']) assert.ok(!isPublic(address), address);
  });

  it('may be allowed by host and port', () => {
    const allowed = parseAllowedHosts('127.0.0.1:8080, [::1]:80  Intranet:443');
    for (const address of ['http://127.0.0.1:8080/a', 'http://[::1]/a']) assert.equal(requireWebAddress(address, allowed).href, address);
    for (const address of ['http://127.0.0.1/a', 'http://127.0.0.1:8081/', 'https://[::1]/']) assert.throws(() => requireWebAddress(address, allowed), /private/, address);
  });
});

describe('the picture of a page', () => {
  const of = (html: string): string | null => {
    const reader = new PictureOfPage();
    for (const part of html.match(/[\s\S]{1,7}/g)!) if (reader.write(part)) break; // in pieces, as pages come
    return reader.address;
  };

  it('is og:image before its other spellings, of the head alone', () => {
    assert.equal(of('<head><meta name="twitter:image" content="b.jpg"><meta content="a.jpg" property="OG:Image"></head>'), 'a.jpg');
    assert.equal(of('<head><meta name="twitter:image" content="b.jpg"></head>'), 'b.jpg');
    assert.equal(of('<head><title><meta property="og:image" content="no.jpg"></title></head>'), null);
    assert.equal(of('<head><!-- <meta property="og:image" content="no.jpg"> --><script>"<meta property=\'og:image\' content=\'no.jpg\'>"</script></head>'), null);
    assert.equal(of('<head></head><body><meta property="og:image" content="no.jpg"></body>'), null);
    assert.equal(of('<meta property="og:image" content="">'), null);
    assert.equal(of('<meta property=og:image content=https://x.org/a.jpg?b=1&amp;c=2>'), 'https://x.org/a.jpg?b=1&c=2');
  });
});

describe('the pace of a host', () => {
  it('lets one request through an interval, each host by itself, and all wait for a pause', async () => {
    const pace = new HostPace(50);
    const times: number[] = [];
    await Promise.all([1, 2, 3, 4].map(() => pace.turn('a', never).then(() => times.push(performance.now()))));
    for (let i = 1; i < times.length; i++) assert.ok(times[i]! - times[i - 1]! >= 18, `${times[i]! - times[i - 1]!} ms`);
    pace.pause('a', 0.2);
    const paused = performance.now();
    await pace.turn('b', never);
    const other = performance.now();
    await pace.turn('a', never);
    assert.ok(performance.now() - paused >= 198);
    assert.ok(other - paused < performance.now() - paused, 'another host is not held up');
  });
});
