// A web server of our own on loopback, with photo pages and pictures and everything that goes wrong with them.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export interface PictureServer {
  readonly host: string; // '127.0.0.1:PORT'
  readonly base: string; // 'http://127.0.0.1:PORT'
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** What answers a path; others answer 404. May be changed at any time. */
  readonly answers: Map<string, Answer>;
  close(): Promise<void>;
}

export async function startPictureServer(): Promise<PictureServer> {
  const asked: string[] = [];
  const answers = new Map<string, Answer>();
  const server = createServer((request, response) => {
    asked.push(request.url!);
    (answers.get(request.url!) ?? status(404))(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host, base: `http://${host}`, asked, answers,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}

export const bytes = (body: Buffer, type = 'image/jpeg'): Answer => (response) => void response.writeHead(200, { 'content-type': type, 'content-length': body.length }).end(body);
export const status = (code: number, headers: Record<string, string> = {}): Answer => (response) => void response.writeHead(code, headers).end(`status ${code}`);
export const redirect = (location: string, code = 302): Answer => status(code, { location });
/** A photo page as photo sites make them: the picture in Open Graph's meta, and a long body. */
export const page = (picture: string | null): Answer => bytes(Buffer.from(`<!DOCTYPE html><html><head><title>A photo</title>${picture === null ? '' : `<meta property="og:image" content="${picture}">`}</head><body>${'<p>words</p>'.repeat(2000)}</body></html>`), 'text/html; charset=utf-8');
/** First the one answer, then the other for good. */
export const once = (first: Answer, then: Answer): Answer => {
  let used = false;
  return (response, request) => {
    (used ? then : first)(response, request);
    used = true;
  };
};
/** Says more than it sends, and breaks off. */
export const brokenOff = (body: Buffer): Answer => (response) => {
  response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': body.length + 1000 });
  response.write(body, () => response.destroy());
};
/** Begins and never ends. */
export const silent = (body: Buffer): Answer => (response) => {
  response.writeHead(200, { 'content-type': 'image/jpeg' });
  response.write(body);
};
