// Texts, and what tokenizers of others make of them, for comparing ours id by id (tests/slow_tokenizer.sh):
//
//   node tools/tokenizer-reference.mjs strings OUT.jsonl             ten thousand texts, the same on every machine
//   node tools/tokenizer-reference.mjs gpt2  PACKAGE IN.jsonl OUT.jsonl                  ids by gpt-3-encoder
//   node tools/tokenizer-reference.mjs llama PACKAGE IN.jsonl OUT.jsonl TOKENIZER.json   ids by llama-tokenizer-js, and
//                                                                     its vocabulary as Llama-2's tokenizer.json
//   node tools/tokenizer-reference.mjs saved PACKAGE TOKENIZER.json IN.jsonl OUT.jsonl   ids by @huggingface/tokenizers
//   node tools/tokenizer-reference.mjs rust PACKAGE TOKENIZER.json IN.jsonl OUT.jsonl    ids by Hugging Face's tokenizers in
//                                                                     Rust, the package tokenizers of npm
//   node tools/tokenizer-reference.mjs splits PACKAGE    tests/reference/splits.jsonl: small vocabularies that differ in
//                                                                     how a text is cut, and their ids by the same package
//   node tools/tokenizer-reference.mjs figures STRINGS GPT2 LLAMA    lines for tests/reference/tokenizer.txt
//
// A text, or a list of ids, is a line of JSON. The texts leave out what the two programs see otherwise than Unicode does:
// U+0085 and U+FEFF, of which JavaScript's \s takes the wrong one for white space, and characters younger than 2021.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const COUNT = 10000
let state = 20240611

// A generator of 32 bits that needs no library (Marsaglia's xorshift).
function draw(n) {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % n
}
const pick = list => list[draw(list.length)]
const repeat = (most, make) => Array.from({ length: 1 + draw(most) }, make).join('')

const WORDS = `the of and to a in is it you that he was for on are with as I his they be at one have this from or had by hot
but some what there we can out other were all your when up use word how said an each she which do their time if will way
about many then them would write like so these her long make thing see him two has look more day could go come did my sound
no most number who over know water than call first people may down side been now find any new work part take get place made
live where after back little only round man year came show every good me give our under name very through just form much
great think say help low line before turn cause same mean differ move right boy old too does tell sentence set three want
air well also play small end put home read hand port large spell add even land here must big high such follow act why ask
men change went light kind off need house picture try us again animal point mother world near build self earth father
Tokenizer internationalization antidisestablishmentarianism GPT LLaMA Washington O'Brien McDonald iPhone`.split(/\s+/)
const FOREIGN = `café naïve Straße größer Œuvre año señor İstanbul łódź Ångström Привет мир быть Україна Ελλάδα καλημέρα
שלום עולם مرحبا بالعالم नमस्ते दुनिया สวัสดีชาวโลก 你好世界 天地玄黃 こんにちは カタカナ ひらがな 안녕하세요 세계 Việt Nam
Հայաստան საქართველო አማርኛ ខ្មែរ ພາສາລາວ မြန်မာ தமிழ் తెలుగు ಕನ್ನಡ മലയാളം සිංහල ᏣᎳᎩ ᐃᓄᒃᑎᑐᑦ 𐍈𐌰𐌽 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ｆｕｌｌ ①②③ ½ Ⅷ ٣٤٥ १२३`.split(/\s+/)
const EMOJI = ['😀', '😂', '🥺', '👍', '👍🏽', '👩‍💻', '👨‍👩‍👧‍👦', '🏳️‍🌈', '🇪🇸', '🇯🇵', '❤️', '☕', '🧬', '🦠', '⚡', '🎉🎉', '™', '♥', '✅', '1️⃣']
const SPACES = [' ', '  ', '   ', '        ', '\t', '\t\t', '\n', '\n\n', '\r\n', '\u00a0', '\u2003', '\u3000', '\u2028', '\u200b', '\v\f', ' \n ']
const CODE = ['int main(void) {\n', '    return 0;\n', '}\n', 'for (int i = 0; i < n; i++)', 'def f(x):\n    ', 'self.x += 1', 'if (a == b) ',
  '#include <stdio.h>\n', 'printf("%d\\n", x);', '// comment', '/* ... */', 'const x = () => ({ ...y });', '<div class="a">', '</div>',
  '{"key": [1, 2.5e-3, null]}', 'SELECT * FROM t WHERE id=?;', '#!/bin/sh\n', '$(echo "$HOME")', '\t\tgoto end;\n', 'λ x → x', '<0x0A>', '<s>',
  '</s>', '<|endoftext|>', '&amp;', 'https://example.org/a?b=c&d=%20#e', 'x_1', 'camelCaseName', 'SNAKE_CASE', '0xdeadbeef', '!=', '>>=', '...', '::', '->']
const SHORT = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "’s", "'", '"', '``', "''"]
const RANGES = [[0, 0x7f], [0x20, 0x7e], [0x80, 0x84], [0x86, 0x24f], [0x250, 0xc7f], [0xe01, 0xe5b], [0x1e00, 0x2bff], [0x3041, 0x9ffc],
  [0xa000, 0xd7a3], [0xe000, 0xf8ff], [0xf900, 0xfaff], [0xfe00, 0xfefe], [0xff00, 0xfffd], [0x10000, 0x107ff], [0x12000, 0x123ff],
  [0x1d400, 0x1d7ff], [0x1f300, 0x1f6c5], [0x20000, 0x2a6dd]]

function character() {
  const [lo, hi] = pick(RANGES)
  return String.fromCodePoint(lo + draw(hi - lo + 1))
}

const KINDS = [
  () => repeat(30, () => pick(WORDS) + pick([' ', ' ', ' ', ' ', ', ', '. ', '! ', '? ', '; ', ' - ', '\n'])),
  () => repeat(12, () => pick(FOREIGN) + pick([' ', ' ', '', '，', '。', '! '])),
  () => repeat(10, () => pick([pick(EMOJI), pick(EMOJI), pick(WORDS) + ' ', ' '])),
  () => repeat(12, () => pick([pick(SPACES), pick(SPACES), pick(WORDS), pick(['.', '"', '7'])])),
  () => repeat(12, () => pick(CODE) + pick(['', '', ' ', '\n', '\n    '])),
  () => repeat(30, character),
  () => repeat(60, () => String.fromCharCode(0x20 + draw(0x5f))),
  () => repeat(16, () => String(draw(10 ** (1 + draw(8)))) + pick(['', ',', '.', ' ', '%', '/', '-', ':', '€', '$', '^2'])),
  () => repeat(12, () => pick(WORDS) + pick(SHORT) + pick([' ', '', ' ', '.'])),
  () => repeat(8, () => pick('aeiou tns.-=*_#~!?').repeat(1 + draw(40))),
]

function strings() {
  const list = [''] // the empty text, then every kind in turn, and now and then several in one
  while (list.length < COUNT) {
    const i = list.length
    list.push(i % 25 ? KINDS[i % KINDS.length]() : repeat(6, () => pick(KINDS)()))
  }
  return list
}

const lines = path => readFileSync(path, 'utf8').split('\n').slice(0, -1)
const read = path => lines(path).map(line => JSON.parse(line))
const write = (path, list) => writeFileSync(path, list.map(x => JSON.stringify(x) + '\n').join(''))

// What a tokenizer.json of Llama-2 says beside the vocabulary and the merges.
function llamaFile(vocab, merges) {
  const mark = '\u2581', replace = (a, b) => ({ type: 'Replace', pattern: { String: a }, content: b })
  return {
    version: '1.0', truncation: null, padding: null,
    added_tokens: ['<unk>', '<s>', '</s>'].map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
    normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: mark }, replace(' ', mark)] },
    pre_tokenizer: null, post_processor: null,
    decoder: { type: 'Sequence', decoders: [replace(mark, ' '), { type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] },
    model: { type: 'BPE', dropout: null, unk_token: '<unk>', continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: true, byte_fallback: true,
      vocab: Object.fromEntries(vocab.map((token, id) => [token, id])), merges },
  }
}

// A vocabulary in which ids show where a text was cut: bytes, and all pairs of a few characters.
function pairsModel() {
  const shown = b => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b !== 0xad)
  const bytes = Array.from({ length: 256 }, (_, b) => b), order = [...bytes.filter(shown), ...bytes.filter(b => !shown(b))]
  const spell = new Map(order.map((b, i) => [b, String.fromCodePoint(shown(b) ? b : 256 + i - bytes.filter(shown).length)]))
  const some = [..."abKk12' \n."].map(c => spell.get(c.codePointAt(0)))
  const vocab = Object.fromEntries([...spell.values()].map((c, id) => [c, id])), merges = []
  for (const a of some) for (const b of some) {
    vocab[a + b] = Object.keys(vocab).length
    merges.push([a, b])
  }
  return { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false,
    byte_fallback: false, ignore_merges: false, vocab, merges }
}

const byteLevel = use_regex => ({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex })
const split = (Regex, behavior = 'Isolated') => ({ type: 'Sequence', pretokenizers: [
  { type: 'Split', pattern: { Regex }, behavior, invert: behavior === 'Removed' }, byteLevel(false)] })
const apart = (content, more = {}) => ({ content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false, ...more })

// What one engine of regular expressions reads otherwise than another, and what belongs to tokens that are listed apart.
const SPLIT_TEXTS = ['', 'ab', 'aabb 1122 aKKa', "ba\n\nab  12'k.b  \n", '   ab\n', 'K1.2.a1b2 \u00e9a\u0301b\u00df\u017f', '12121 ab.ab', "a'ka'Kb", '\u0085a\u00a0\u2003b\u180ea\u200bb']
const PATTERNS = ['[a-z&&[^b]]+|.', '[a-m[0-9]]+', '[[:alpha:]&&[^K]]+', '[^a[1]]+', '\\p{N}{1,2}+', '[ab]{1,2}+|\\s{2}?', '\\s+$|\\S+', '^.', '^\\s+|a$', '\\h+', '\\H+|a', '\\w+', '\\d+|\\D',
  '\\s+', '\\b', "(?i:'k)|[^\\n]", '(?=K)', '(?<=b)', '(?=[A-Z])|1', '\\R|a', '\\X', '\\O', '.\\K.', '(?~b)', '\\x{e9}|a+', '\\p{^L}+', '[\\p{Lu}\\p{N}]+', '(?<n>a)\\k<n>|b', '(?:a|ab)(?!b)', '\\Aab|b\\z', 'a*', '(?i)k+|ss',
  '\\p{Script=Latin}+', '\\p{Latin}+', '[ \\t]*+', '(?m:a.)', '[]a]', '\\u00e9', 'a{,2}', '(?x) a b', '\\y', '[a-\\d]', '\\N{1}', '(a)(?(1)b|1)', '\\G.', 'a#b', '[[a]', 'b++', 'b?+b']
const APART = [
  [apart('ab', { rstrip: true })], [apart('ab', { lstrip: true })], [apart('2.a', { lstrip: true, rstrip: true, special: true }), apart('ab.', { lstrip: true, special: true })], [apart('  ')], [apart('   '), apart('  '), apart('12', { lstrip: true })],
  [apart('ab', { normalized: true }), apart('ba')], [apart('aabb', { special: true }), apart('bb', { rstrip: true })], [apart('121'), apart('12121'), apart('.a', { lstrip: true, rstrip: true, normalized: true })],
]

// The same of pieces: bytes as <0x00>, a few characters, and their pairs; tokens apart are found before a space is put in front.
const MARK = '\u2581'
function piecesModel() {
  const hex = b => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`
  const names = ['<unk>', '<s>', '</s>', ...Array.from({ length: 256 }, (_, b) => hex(b))], some = [MARK, ...'ab12.']
  const merges = some.flatMap(x => some.map(y => [x, y]))
  names.push(...some, ...merges.map(([x, y]) => x + y))
  return { type: 'BPE', dropout: null, unk_token: '<unk>', continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: true,
    byte_fallback: true, ignore_merges: false, vocab: Object.fromEntries(names.map((name, id) => [name, id])), merges }
}
const replace = (from, content) => ({ type: 'Replace', pattern: { String: from }, content })
const metaspace = (prepend_scheme, split) => ({ type: 'Metaspace', replacement: MARK, prepend_scheme, split })
const ENDS = ['<unk>', '<s>', '</s>'].map(content => apart(content, { special: true }))
const PIECES_APART = [[], [apart('<g>')], [apart('<g>', { rstrip: true, special: true })], [apart('<g>', { lstrip: true }), apart('  ', { lstrip: true, rstrip: true })],
  [apart('b<g>', { normalized: true }), apart('<g>a')]]
const PIECES_PRE = [{ normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: MARK }, replace(' ', MARK)] } }, { normalizer: replace(' ', MARK) },
  ...['first', 'always', 'never'].flatMap(scheme => [true, false].map(split => ({ pre_tokenizer: metaspace(scheme, split) })))]

// Rows of the figures: what a file says beside its model, and which model it has.
function splitKinds() {
  const bytes = (pre_tokenizer, added = []) => ({ model: 'bytes', normalizer: null, pre_tokenizer, decoder: byteLevel(true), added })
  const decoder = { type: 'Sequence', decoders: [replace(MARK, ' '), { type: 'ByteFallback' }, { type: 'Fuse' }] }
  return [...PATTERNS.map(p => bytes(split(p))), ...['[ab]+', '(?=K)|\\s', 'a'].map(p => bytes(split(p, 'Removed'))), ...APART.map(added => bytes(byteLevel(true), added)),
    ...PIECES_PRE.flatMap(pre => PIECES_APART.filter(list => !pre.normalizer || list.every(token => !token.normalized))
      .map(list => ({ model: 'pieces', normalizer: null, pre_tokenizer: null, ...pre, decoder, added: [...ENDS, ...list] })))]
}

async function splits(Tokenizer) {
  const models = { bytes: pairsModel(), pieces: piecesModel() }, texts = [...SPLIT_TEXTS, 'a<g>b  <g> \n<g>a', '<s>ab <s> a</s>', ' b<g>a  <g>']
  const lines = [{ models, texts }]
  for (const { model, added, ...rest } of splitKinds()) {
    let next = Object.keys(models[model].vocab).length, tokenizer
    const added_tokens = added.map(token => ({ id: models[model].vocab[token.content] ?? next++, ...token })), ids = []
    try {
      tokenizer = Tokenizer.fromString(JSON.stringify({ version: '1.0', truncation: null, padding: null, post_processor: null, ...rest, added_tokens, model: models[model] }))
    } catch {
      lines.push({ model, ...rest, added_tokens, refused: true })
      continue
    }
    for (const text of texts) ids.push((await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds())
    lines.push({ model, ...rest, added_tokens, ids })
  }
  return lines
}

const digest = path => createHash('sha256').update(readFileSync(path)).digest('hex')

const [action, ...args] = process.argv.slice(2)
if (action === 'strings') {
  write(args[0], strings())
} else if (action === 'gpt2') {
  const { default: encoder } = await import(pathToFileURL(args[0] + '/index.js'))
  write(args[2], read(args[1]).map(encoder.encode))
} else if (action === 'llama') {
  const { default: llama } = await import(pathToFileURL(args[0] + '/llama-tokenizer.js'))
  write(args[2], read(args[1]).map(text => llama.encode(text, false, true)))
  writeFileSync(args[3], JSON.stringify(llamaFile(llama.vocabById, [...llama.merges.keys()])))
} else if (action === 'saved') {
  const { Tokenizer } = await import(pathToFileURL(args[0] + '/dist/tokenizers.mjs'))
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(args[1], 'utf8')), {})
  write(args[3], read(args[2]).map(text => tokenizer.encode(text, { add_special_tokens: false }).ids))
} else if (action === 'rust') {
  const { Tokenizer } = createRequire(import.meta.url)(args[0])
  const tokenizer = Tokenizer.fromFile(args[1]), list = []
  for (const text of read(args[2])) list.push((await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds())
  write(args[3], list)
} else if (action === 'splits') {
  const { Tokenizer } = createRequire(import.meta.url)(args[0])
  for (const line of await splits(Tokenizer)) console.log(JSON.stringify(line))
} else if (action === 'figures') {
  const names = ['strings', 'gpt2', 'llama']
  names.forEach((name, i) => console.log(`${name} ${lines(args[i]).length} sha256 ${digest(args[i])}`))
  const short = read(args[0]).findIndex((text, i) => i > 0 && i % 10 === 1 && text.length > 40 && text.length < 80)
  console.log(`sample ${short}`)
  names.forEach((name, i) => console.log(`${name} ${lines(args[i])[short]}`))
} else {
  console.error('usage: node tools/tokenizer-reference.mjs strings|gpt2|llama|saved|rust|splits|figures ...')
  process.exit(2)
}
