// The one kind of error that is shown to a person as it is. Everything else that is thrown is our bug.

/** Says what happened and what to do next. `code` lets callers decide without reading the message. */
export class UserError extends Error {
  readonly code: string;
  readonly whatHappened: string;
  readonly nextStep: string;

  constructor(code: string, whatHappened: string, nextStep: string, options?: { cause?: unknown }) {
    super(`${whatHappened} ${nextStep}`.trim(), options);
    this.name = 'UserError';
    this.code = code;
    this.whatHappened = whatHappened;
    this.nextStep = nextStep;
  }
}
