// The page's end of its wire to the editor: typed requests whose results are validated, notices, and what is kept over a reload.
import { RequestClient, type ParametersOf, type Port, type RequestOptions } from '../src/protocol/requestChannel.ts';
import type { Validator, ViewMethod, ViewResult } from '../src/protocol/postsView.ts';

interface EditorApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): EditorApi;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the widest method; each use is narrowed by its contract
type ViewContract = Readonly<Record<string, ViewMethod<any, any>>>;

export class EditorWire<C extends ViewContract, Notice> {
  readonly #contract: C;
  readonly #api = acquireVsCodeApi();
  readonly #client: RequestClient<C>;

  /** @param onNotice hears what the editor tells without being asked, when it is of the schema */
  constructor(contract: C, noticeSchema: Validator<Notice>, onNotice: (notice: Notice) => void) {
    this.#contract = contract;
    const listeners: ((message: unknown) => void)[] = [];
    window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      const notice = noticeSchema.safeParse(data);
      if (notice.success) onNotice(notice.data);
      else for (const listener of listeners) listener(data);
    });
    const port: Port = { postMessage: (message) => this.#api.postMessage(message), on: (_event, listener) => listeners.push(listener) };
    const silent = (): void => undefined; // what is no answer concerns nobody here; the editor keeps the log
    this.#client = new RequestClient(port, { info: silent, warn: silent, error: silent });
  }

  /** Rejects as RequestClient does, and when the answer is not what the contract says. */
  async request<Name extends keyof C & string>(name: Name, parameters: ParametersOf<C[Name]>, options?: RequestOptions): Promise<ViewResult<C[Name]>> {
    return this.#contract[name]!.resultSchema.parse(await this.#client.request(name, parameters, options)) as ViewResult<C[Name]>;
  }

  get kept(): unknown {
    return this.#api.getState();
  }

  keep(state: unknown): void {
    this.#api.setState(state);
  }
}
