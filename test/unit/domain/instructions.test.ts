// Instructions against the paper's own strings (method.md, section 3), the golden cases shared with the trainer, and what strangers may write in a title.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { buildInstruction, fitInstruction, MAX_VALUE_LENGTH, type InstructionRequest, type Piece, type PromptPost, type TemplateName } from '../../../src/domain/instructions.ts';

const INSTRUCTION = "Input a user's historical posts on social media along with the popularity of these posts, and provide the popularity score for this new post based on this information. Output a number.\n";
const opening = (uid: string): string => `The target user ID is ${uid}. The information and popularity of the posts published by this user are as follows:`;
const CLOSING = ' Provide the popularity score for this new post.';

function promptPost(fields: Partial<PromptPost> & { pid: string }): PromptPost {
  return { title: '', category: '', subcategory: '', concept: '', caption: '', extra: [], label: null, ...fields };
}

const input = (request: Omit<InstructionRequest, 'template'> & { template?: TemplateName }): string => {
  const { text } = buildInstruction({ template: 'smpd', ...request });
  assert.ok(text.startsWith(INSTRUCTION));
  return text.slice(INSTRUCTION.length);
};

interface GoldenPost { pid: string; fields: Record<string, string>; extra: Record<string, string>; caption: string; score?: string }
interface GoldenCase { name: string; template: TemplateName; uid: string; history: GoldenPost[]; question: GoldenPost; pieces: Piece[]; text: string }

describe('instructions', () => {
  const { cases } = JSON.parse(readFileSync(new URL('../../fixtures/instructions.json', import.meta.url), 'utf8')) as { cases: GoldenCase[] };
  const fromGolden = ({ pid, fields, extra, caption, score }: GoldenPost): PromptPost =>
    promptPost({ pid, ...fields, extra: Object.entries(extra), caption, ...(score === undefined ? {} : { printedScore: score }) });

  it('has golden cases to read', () => assert.ok(cases.length >= 6));
  for (const golden of cases) {
    it(`golden: ${golden.name}`, () => {
      const { pieces, text } = buildInstruction({ template: golden.template, uid: golden.uid, history: golden.history.map(fromGolden), question: fromGolden(golden.question) });
      assert.deepEqual(pieces, golden.pieces);
      assert.equal(text, golden.text);
    });
  }

  it('writes all history clauses, then all scores, then the question', () => {
    const history = [
      promptPost({ pid: '1', title: 'One', category: 'C', subcategory: 'S', concept: 'x', caption: 'a cat', label: 700 }),
      promptPost({ pid: '2', title: 'Two', label: 52 }),
    ];
    const question = promptPost({ pid: '3', title: 'Three', category: 'D', subcategory: 'T', concept: 'y', caption: 'a dog', label: 1656 });
    assert.equal(
      input({ uid: '9@N1', history, question }),
      `${opening('9@N1')} The title of post 1 is One, the category is C, the subcategory is S, the concept is x. The photo in the post shows a cat. The title of post 2 is Two.` +
        ' The popularity score of post 1 is 7.00. The popularity score of post 2 is 0.52.' +
        ` The target new post is 3, the title is Three, the category is D, the subcategory is T, the concept is y. The photo in the new post shows a dog.${CLOSING}`,
    );
  });

  it('renders the paper\'s table 8 (TPIC2017), one post of which has no data', () => {
    const history = [
      promptPost({ pid: '606812', titleLength: '18', tagCount: '7', releaseDate: '2012-7-16', caption: '...', label: 720, printedScore: '7.2' }),
      promptPost({ pid: '608844', label: 580, printedScore: '5.8' }),
    ];
    const question = promptPost({ pid: '608845', titleLength: '20', tagCount: '0', releaseDate: '2012-7-23', caption: '...' });
    assert.equal(
      input({ template: 'tpic2017', uid: '387@N54', history, question }),
      'The target user ID is 387@N54. The information and popularity of the posts published by this user are as follows: The title length of post 606812 is 18, the number of tags is 7, the release date is 2012-7-16. The photo in the post shows ... The popularity score of post 606812 is 7.2. The popularity score of post 608844 is 5.8. The target new post is 608845, the title length is 20, the number of tags is 0, the release date is 2012-7-23. The photo in the new post shows ... Provide the popularity score for this new post.',
    );
  });

  it('lets the first value that is there carry the post, and a caption alone too', () => {
    const history = [promptPost({ pid: '775', category: 'Fashion', subcategory: 'Coats', label: 752 }), promptPost({ pid: '776', caption: 'A bridge.', label: 100 })];
    assert.equal(
      input({ uid: 'u', history, question: promptPost({ pid: '777' }) }),
      `${opening('u')} The category of post 775 is Fashion, the subcategory is Coats. The photo in post 776 shows A bridge.` +
        ` The popularity score of post 775 is 7.52. The popularity score of post 776 is 1.00. The target new post is 777.${CLOSING}`,
    );
  });

  it('gives values and scores their leading blank, and leaves none at the end of template text', () => {
    const { pieces } = buildInstruction({ template: 'smpd', uid: 'u', history: [promptPost({ pid: '1', title: 'my day', label: 752 })], question: promptPost({ pid: '2', extra: [['domain', 'x.org']] }) });
    assert.ok(pieces.some(([kind, text]) => kind === 'v' && text === ' my day'));
    assert.deepEqual(pieces.filter(([kind]) => kind === 's'), [['s', ' 7.52']]);
    for (const [kind, text] of pieces) {
      if (kind === 't') assert.ok(!text.endsWith(' '), text);
      else assert.ok(text.startsWith(' ') && !text.startsWith('  '), text);
    }
  });

  it('keeps a stranger\'s text on one line, whole in UTF-8 and bounded', () => {
    const title = ` a\r\n\tb\u0000c\u2028d \uD800 ${'e'.repeat(10_000_000)}`;
    const { pieces } = buildInstruction({ template: 'smpd', uid: 'u', history: [promptPost({ pid: '1', title, label: 100 })], question: promptPost({ pid: '2', title: '😀'.repeat(400) }) });
    const values = pieces.filter(([kind]) => kind === 'v').map(([, text]) => text);
    const start = ' a b c d \uFFFD ';
    assert.equal(values[2], start + 'e'.repeat(MAX_VALUE_LENGTH + 1 - start.length));
    assert.equal(values.at(-1), ` ${'😀'.repeat(MAX_VALUE_LENGTH)}`);
  });

  it('drops a caption that is only blanks or a full stop, and never fills a value that looks like a placeholder', () => {
    const { text } = buildInstruction({ template: 'smpd', uid: '{pid}', history: [promptPost({ pid: '1', title: '{score}', caption: ' . ', label: 100 })], question: promptPost({ pid: '2', caption: '\n' }) });
    assert.ok(text.includes('user ID is {pid}.') && text.includes('title of post 1 is {score}. The popularity'));
    assert.ok(!text.includes('photo'));
  });

  it('refuses a history post without a score', () => {
    assert.throws(() => buildInstruction({ template: 'smpd', uid: 'u', history: [promptPost({ pid: '5' })], question: promptPost({ pid: '6' }) }), /History post 5 has no score/);
  });
});

describe('instructions that are too long', () => {
  const caption = 'c'.repeat(100);
  const request: InstructionRequest = {
    template: 'smpd', uid: 'u',
    history: [promptPost({ pid: '1', title: 't'.repeat(50), caption, label: 752 })],
    question: promptPost({ pid: '2', title: 't'.repeat(50), caption }),
  };
  const countCharacters = (pieces: readonly Piece[]): number => pieces.reduce((sum, [, text]) => sum + text.length, 0);
  const whole = countCharacters(buildInstruction(request).pieces);

  const fitted = (limit: number) => {
    const result = fitInstruction(request, countCharacters, limit);
    assert.notEqual(result, 'too long');
    return result as Exclude<typeof result, 'too long'>;
  };

  it('leaves what fits alone', () => assert.deepEqual(fitted(whole), { ...buildInstruction(request), cut: 'nothing' }));

  it('cuts captions first, all to the longest length that fits', () => {
    const result = fitted(whole - 60);
    assert.equal(result.cut, 'captions');
    assert.equal(result.text.length, whole - 60); // two captions of 70 letters each
    assert.ok(result.text.includes(`shows ${'c'.repeat(70)}.`) && !result.text.includes('c'.repeat(71)));
    assert.ok(result.text.includes('t'.repeat(50)));
  });

  it('cuts titles when the captions are gone', () => {
    const captionless = buildInstruction({ ...request, history: [{ ...request.history[0]!, caption: '' }], question: { ...request.question, caption: '' } });
    const result = fitted(captionless.text.length - 20);
    assert.equal(result.cut, 'titles');
    assert.ok(!result.text.includes('photo') && result.text.includes(`is ${'t'.repeat(40)}.`) && !result.text.includes('t'.repeat(41)));
  });

  it('never cuts a score: says too long instead', () => {
    const bare = buildInstruction({ ...request, history: [promptPost({ pid: '1', label: 752 })], question: promptPost({ pid: '2' }) }).text;
    assert.equal(fitted(bare.length).text, bare);
    assert.ok(bare.includes('The popularity score of post 1 is 7.52.'));
    assert.equal(fitInstruction(request, countCharacters, bare.length - 1), 'too long');
  });
});
