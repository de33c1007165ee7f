// Texts, and what tokenizers of others make of them, for comparing ours id by id (tests/slow_tokenizer.sh):
//
//   node tools/tokenizer-reference.mjs strings OUT.jsonl             ten thousand texts, the same on every machine
//   node tools/tokenizer-reference.mjs gpt2  PACKAGE IN.jsonl OUT.jsonl                  ids by gpt-3-encoder
//   node tools/tokenizer-reference.mjs llama PACKAGE IN.jsonl OUT.jsonl TOKENIZER.json   ids by llama-tokenizer-js, and
//                                                                     its vocabulary as Llama-2's tokenizer.json
//   node tools/tokenizer-reference.mjs saved PACKAGE TOKENIZER.json IN.jsonl OUT.jsonl   ids by @huggingface/tokenizers
//   node tools/tokenizer-reference.mjs figures STRINGS GPT2 LLAMA    lines for tests/reference/tokenizer.txt
//
// A text, or a list of ids, is a line of JSON. The texts leave out what the two programs see otherwise than Unicode does:
// U+0085 and U+FEFF, of which JavaScript's \s takes the wrong one for white space, and characters younger than 2021.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
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
} else if (action === 'figures') {
  const names = ['strings', 'gpt2', 'llama']
  names.forEach((name, i) => console.log(`${name} ${lines(args[i]).length} sha256 ${digest(args[i])}`))
  const short = read(args[0]).findIndex((text, i) => i > 0 && i % 10 === 1 && text.length > 40 && text.length < 80)
  console.log(`sample ${short}`)
  names.forEach((name, i) => console.log(`${name} ${lines(args[i])[short]}`))
} else {
  console.error('usage: node tools/tokenizer-reference.mjs strings|gpt2|llama|saved|figures ...')
  process.exit(2)
}
