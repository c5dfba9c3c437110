"""Texts that tokenizers cut differently, made the same way every time."""

import random
from itertools import chain

WRITTEN = [
    "",
    " ",
    "  ",
    "   \t\n\r\n  \n\n\n   ",
    "Hello, world!",
    " Hello",
    "Hello ",
    "  Two  spaces  between  and  around  ",
    "It's I'm we're they've you'll he'd 'tis IT'S I'M WE'RE don'T 'S's ''s'",
    "The quick brown fox jumps over the lazy dog.",
    "1 12 123 1234 12345 3.14159 1,000,000 0x7fff 1e-9 ²³ ⅷ ½ ٣٤٥ १२३",
    "!!! ?? ... -- --- === <<>> $$ ^^ ~~ || `` {}[]() a+b=c a<b>c 50% #tag @you",
    "camelCaseWords snake_case_words kebab-case-words SCREAMING ÉCOLE Éclair ÇA",
    "def f(x):\n    return x ** 2  # square\n\n\nclass A:\n\tpass\n",
    'for (int i = 0; i < n; ++i) {\n\t\tprintf("%d\\n", i);\r\n}\r\n',
    "<html>\n  <body class='a'>\n    <p>Text &amp; more</p>\n  </body>\n</html>",
    "SELECT * FROM t WHERE a = 'b' AND c >= 10;",
    "https://example.org/path?query=1&other=two#part  mail@example.org",
    "Le cœur déçu mais l’âme plutôt naïve, Louÿs rêva de crapaüter en canoë.",
    "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.",
    "いろはにほへと ちりぬるを 吾輩は猫である。名前はまだ無い。カタカナ",
    "我能吞下玻璃而不伤身体。天地玄黃，宇宙洪荒。",
    "키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다.",
    "نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر",
    "דג סקרן שט בים מאוכזב ולפתע מצא חברה",
    "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश",
    "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน",
    "😀😃 👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇯🇵 ❤️ ☃ ♥ ★ → ∀x∈ℝ: ⌈x⌉ ≥ x",
    "e\u0301 n\u0303 a\u0308 \u0301alone ﬁne ﬂow Ａｂｃ１２３ \ufb03 \u1e9e ß",
    "\u00a0non\u00a0breaking \u2003em\u2003space \u200bzero\u200dwidth \u3000wide "
    "\ufeffmark \u0085next",
    "control \x00 \x01 \x07 \x1b[0m \x7f \x80 \x9f end",
    "\u2581underline\u2581\u2581twice \u0120 \u010a \u00ad soft",
    "\U0001f600\U00020000\U0010ffff\ue000\ufffd\ufffe",
    "a" * 100,
    "ab" * 50,
    " " * 70 + "x" + " " * 33,
    "\n" * 40 + "\t" * 40 + "\r" * 5,
    "=" * 80 + "\n" + "-" * 79 + "\n",
    "www" * 20 + "ha" * 30 + "aaa bbb aab baa abab",
    "🎉" * 20,
    "日" * 30,
    "<s>text</s><unk> <0x0A> <bos><eos> [INST] <<SYS>>",
    "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
    " <|im_start|> <|im_end|>  <|endoftext|><|endoftext|> <|im_start <|im_end||>",
    "<start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n",
    "<repo_name>x<file_sep>y<reponame> <unused0><unused10> <pad><mask>[multimodal]",
    "<bos>  <bos>\n\n<eos><start_of_image>x<end_of_image>\t\t<table><tr><td>",
]

_SCRIPTS = (
    *((0x20, 0x7F),) * 6,
    (0xA0, 0x180),
    (0x370, 0x400),
    (0x400, 0x460),
    (0x5D0, 0x5EB),
    (0x620, 0x650),
    (0x905, 0x94D),
    (0xE01, 0xE3B),
    (0x3041, 0x30FF),
    (0x4E00, 0x5000),
    (0xAC00, 0xAE00),
    (0x2000, 0x2070),
    (0x1F300, 0x1F650),
)
_GLUE = (
    "",
    "",
    "",
    " ",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "'s ",
    ", ",
    ". ",
    "_",
    "-",
    "\r\n",
    "     ",
)
_SPACES = (" ", "  ", "\n", "\r", "\t", "\u00a0", "\u2003", "\u3000", "\x0b", "\x0c", "\u0085")
_MARKS = ("<|im_start|>", "<|im_end|>", "<bos>", "<eos>", "</s>", "<s>", "[multimodal]", "<unk>")


def texts(count: int) -> list[str]:
    """``count`` texts: first those written above, then others put together by chance."""
    chance = random.Random(0)
    words = [word for text in WRITTEN for word in text.split(" ") if 0 < len(word) < 20]
    made = (_made(chance, words, index) for index in range(count - len(WRITTEN)))
    return list(chain(WRITTEN, made))


def _made(chance: random.Random, words: list[str], index: int) -> str:
    parts = []
    for _ in range(chance.randint(1, 6)):
        parts += (_part(chance, words, index % 8), chance.choice(_GLUE))
    return "".join(parts)


def _part(chance: random.Random, words: list[str], kind: int) -> str:
    if kind < 4:
        return chance.choice(words)
    if kind == 4:
        return str(chance.randint(0, 10 ** chance.randint(1, 9)))
    if kind == 5:
        return "".join(chance.choices(_SPACES, k=chance.randint(1, 6)))
    if kind == 6:
        first, end = chance.choice(_SCRIPTS)
        return "".join(chr(chance.randrange(first, end)) for _ in range(chance.randint(1, 6)))
    return chance.choice((chance.choice(_MARKS), chance.choice("abc'!?<>") * chance.randint(1, 9)))
