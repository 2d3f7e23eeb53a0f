"""Generated corpora: ledgers, tables of numbers, appointments. The same bytes everywhere.

Only ``random.Random(seed).random()`` is drawn from, the one sequence that Python promises to keep
between versions. All arithmetic on money is in whole cents.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from corpora.documents import Document

T = TypeVar("T")

_FIRST = (
    "Alder", "Birch", "Cedar", "Dover", "Elm", "Fenwick", "Granite", "Harbor", "Iris", "Juniper",
)  # fmt: skip
_SECOND = (
    "Capital", "Freight", "Holdings", "Instruments", "Logistics", "Mills", "Partners", "Supply",
)  # fmt: skip
_FORMS = ("Inc.", "LLC", "Ltd.", "GmbH", "S.A.", "Co.")
_CURRENCIES = (("$", "USD"), ("€", "EUR"), ("£", "GBP"), ("¥", "JPY"), ("CHF ", "CHF"))
_ACCOUNTS = (
    ("1000", "Cash"),
    ("1100", "Accounts Receivable"),
    ("1200", "Inventory"),
    ("1500", "Property and Equipment"),
    ("2000", "Accounts Payable"),
    ("2300", "Accrued Interest"),
    ("2500", "Notes Payable"),
    ("3000", "Retained Earnings"),
    ("4000", "Sales Revenue"),
    ("5000", "Cost of Goods Sold"),
    ("6100", "Rent Expense"),
    ("6200", "Depreciation"),
    ("6300", "Salaries and Wages"),
    ("7000", "Foreign Exchange Gain"),
)
_REASONS = (
    "invoice {n}",
    "payment for order {n}",
    "quarterly accrual",
    "reversal of entry {n}",
    "wire transfer ref. {n}",
    "depreciation, straight line",
    "interest at {p}% p.a.",
    "bank fee",
    "returned goods, credit note {n}",
    "payroll run {n}",
)
_QUANTITIES = ("revenue", "units", "price", "margin", "temperature", "pressure", "yield", "mass")


class _Dice:
    """Draws from the one sequence that is stable between Python versions."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def below(self, stop: int) -> int:
        return int(self._random() * stop)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def cents(self) -> int:
        """An amount whose number of digits is uniform: from cents to hundreds of millions."""
        return 1 + self.below(10 ** (2 + self.below(9)))

    def day(self) -> date:
        return date(1995, 1, 1) + timedelta(days=self.below(12_000))


def _money(cents: int, symbol: str = "", negative: bool = False) -> str:
    text = f"{symbol}{cents // 100:,}.{cents % 100:02d}"
    return f"({text})" if negative else text


def _company(dice: _Dice) -> str:
    return f"{dice.pick(_FIRST)} {dice.pick(_SECOND)} {dice.pick(_FORMS)}"


def _reason(dice: _Dice) -> str:
    number = f"{dice.below(1_000_000):06d}"
    rate = f"{dice.below(12)}.{dice.below(1000):03d}"
    return dice.pick(_REASONS).format(n=number, p=rate)


def _journal(dice: _Dice) -> str:
    symbol, code = dice.pick(_CURRENCIES)
    lines = [f"{_company(dice)} general journal, amounts in {code}", ""]
    day, total = dice.day(), 0
    for number in range(1, 12 + dice.below(24)):
        day += timedelta(days=dice.below(4))
        amount = dice.cents()
        total += amount
        debit, credit = dice.pick(_ACCOUNTS), dice.pick(_ACCOUNTS)
        lines += [
            f"{day.isoformat()}  JE-{number:04d}  {_reason(dice)}",
            f"    {debit[0]} {debit[1]:<24} {_money(amount, symbol):>20}",
            f"    {credit[0]} {credit[1]:<24} {'':>20} {_money(amount, symbol):>20}",
        ]
    return "\n".join([*lines, "", f"Total debits and credits: {_money(total, symbol)}", ""])


def _invoice(dice: _Dice) -> str:
    symbol, code = dice.pick(_CURRENCIES)
    lines = [
        f"INVOICE No. {dice.below(10**8):08d}",
        f"From: {_company(dice)}    To: {_company(dice)}",
        f"Date: {dice.day():%d/%m/%Y}    Terms: net {dice.pick((10, 15, 30, 45, 60, 90))} days",
        "",
    ]
    total = 0
    for item in range(1, 3 + dice.below(14)):
        quantity, price = 1 + dice.below(10 ** (1 + dice.below(4))), 1 + dice.below(500_000)
        total += quantity * price
        part = f"{chr(65 + dice.below(26))}{chr(65 + dice.below(26))}-{dice.below(100_000):05d}"
        lines.append(
            f"{item:>3}. part {part}  {quantity:,} x {_money(price)} = {_money(quantity * price)}"
        )
    rate = dice.pick((0, 5, 8, 19, 20, 21))
    tax = (total * rate + 50) // 100
    lines += [
        "",
        f"Net {_money(total, symbol)} {code}",
        f"Tax {rate}% {_money(tax, symbol)} {code}",
        f"Due {_money(total + tax, symbol)} {code}",
        "",
    ]
    return "\n".join(lines)


def _statement(dice: _Dice) -> str:
    symbol, _ = dice.pick(_CURRENCIES)
    years = 2 + dice.below(4)
    last = 1996 + dice.below(30)
    lines = [
        f"{_company(dice)}: consolidated statement (in thousands, except per share amounts)",
        "",
        "| | " + " | ".join(f"FY{last - year}" for year in range(years)) + " |",
        "|---|" + "---:|" * years,
    ]
    for name in ("Revenue", "Cost of sales", "Operating income (loss)", "Income tax", "Net income"):
        cells = [_money(dice.cents(), symbol, dice.below(4) == 0) for _ in range(years)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    shares = [f"{dice.below(20)}.{dice.below(100):02d}" for _ in range(years)]
    return "\n".join([*lines, "| Earnings per share | " + " | ".join(shares) + " |", ""])


def ledgers(seed: int = 1, count: int = 600) -> Iterator[Document]:
    """``count`` journals, invoices and statements in turn."""
    dice = _Dice(seed)
    kinds = (("journal", _journal), ("invoice", _invoice), ("statement", _statement))
    for number in range(count):
        name, make = kinds[number % len(kinds)]
        yield Document(f"{name}/{number:05d}", make(dice))


def _number(dice: _Dice, style: int) -> str:
    digits = 1 + dice.below(9)
    whole = dice.below(10**digits)
    sign = "-" if dice.below(5) == 0 else ""
    if style == 0:
        return f"{sign}{whole}"
    if style == 1:
        return f"{sign}{whole:,}.{dice.below(1000):03d}"
    if style == 2:
        exponent = dice.below(41) - 20
        return f"{sign}{1 + dice.below(9)}.{dice.below(10**6):06d}e{exponent:+03d}"
    return f"{sign}{dice.below(100)}.{dice.below(100):02d}%"


def _table(dice: _Dice) -> tuple[str, str]:
    columns = [dice.pick(_QUANTITIES) for _ in range(2 + dice.below(6))]
    styles = [dice.below(4) for _ in columns]
    day = dice.day()
    rows = [["date", *columns]]
    for step in range(8 + dice.below(40)):
        rows.append(
            [(day + timedelta(days=step)).isoformat(), *(_number(dice, style) for style in styles)]
        )
    kind = dice.pick(("csv", "markdown", "columns"))
    if kind == "csv":
        lines = [",".join(f'"{c}"' if "," in c else c for c in row) for row in rows]
    elif kind == "markdown":
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|" + "---|" * len(rows[0]))
    else:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    return kind, "\n".join([*lines, ""])


def tables(seed: int = 2, count: int = 500) -> Iterator[Document]:
    """``count`` tables: csv, markdown or aligned columns."""
    dice = _Dice(seed)
    for number in range(count):
        kind, text = _table(dice)
        yield Document(f"{kind}/{number:05d}", text)


# Per language: a sentence, then people, then what is done, then where.
_LANGUAGES = {
    "de": ("Am {d}.{m}.{y} um {h}:{n} Uhr trifft {a} {b} {c}.",
           "Jürgen|Käthe|Sören",
           "die Prüferin|den Verkäufer|Frau Weiß", "in Köln|im Büro|am Hafen"),
    "fr": ("Le {d}/{m}/{y} à {h} h {n}, {a} retrouve {b} {c}.",
           "Hélène|François|Zoé",
           "le trésorier|sa sœur|l’équipe", "à Orléans|au marché|près du pont"),
    "es": ("El {d}/{m}/{y} a las {h}:{n}, {a} se reúne con {b} {c}.",
           "Íñigo|Begoña|Andrés", "la niña|el señor Núñez|su tía", "en Málaga|en la oficina|aquí"),
    "pt": ("Em {d}/{m}/{y}, às {h}h{n}, {a} encontra {b} {c}.",
           "João|Conceição|Luís", "a irmã|o avô|os sócios", "em São Paulo|no escritório|lá"),
    "pl": ("Dnia {d}.{m}.{y} o {h}:{n} {a} spotyka się z {b} {c}.",
           "Łukasz|Małgorzata|Świętosława",
           "siostrą|księgową|bratem", "w Łodzi|w biurze|w Gdańsku"),
    "tr": ("{a}, {d}.{m}.{y} günü saat {h}.{n}’de {c} {b} ile buluşacak.",
           "Çağlar|Işıl|Ömer", "kardeşi|öğretmen|müdür", "İzmir’de|ofiste|Eskişehir’de"),
    "vi": ("Ngày {d}/{m}/{y} lúc {h} giờ {n}, {a} gặp {b} {c}.",
           "Nguyễn|Hương|Đức", "giám đốc|chị gái|thầy giáo", "ở Hà Nội|tại văn phòng|ở Huế"),
    "ru": ("{d}.{m}.{y} в {h}:{n} {a} встречает {b} {c}.",
           "Ольга|Фёдор|Юлия", "брата|бухгалтера|друзей", "в Москве|в офисе|на вокзале"),
    "uk": ("{d}.{m}.{y} о {h}:{n} {a} зустрічає {b} {c}.",
           "Їжакевич|Олена|Григорій", "сестру|вчителя|друзів", "у Києві|в офісі|на вокзалі"),
    "el": ("Στις {d}/{m}/{y} και ώρα {h}:{n}, {a} συναντά {b} {c}.",
           "η Ελένη|ο Γιώργος|η Άννα", "τον αδελφό|τη δασκάλα|τους φίλους",
           "στην Αθήνα|στο γραφείο|στο λιμάνι"),
    "ar": ("في {d}/{m}/{y} الساعة {h}:{n} يلتقي {a} مع {b} {c}.",
           "أحمد|يوسف|سامي", "المدير|أخته|المعلم", "في القاهرة|في المكتب|في السوق"),
    "he": ("ב־{d}.{m}.{y} בשעה {h}:{n} {a} פוגש את {b} {c}.",
           "דוד|יוסף|משה", "המורה|אחותו|המנהל", "בירושלים|במשרד|בשוק"),
    "hi": ("{d}/{m}/{y} को {h}:{n} बजे {a} {c} {b} से मिलेंगे।",
           "राम|सुनीता|अर्जुन", "शिक्षक|भाई|मित्र", "दिल्ली में|कार्यालय में|बाज़ार में"),
    "th": ("วันที่ {d}/{m}/{y} เวลา {h}:{n} น. {a}พบ{b}{c}",
           "สมชาย|มาลี|วิชัย", "ครู|พี่สาว|เพื่อน", "ที่กรุงเทพฯ|ที่สำนักงาน|ที่ตลาด"),
    "zh": ("{y}年{m}月{d}日{h}时{n}分，{a}在{c}与{b}见面。",
           "王芳|李伟|张敏", "老师|经理|朋友", "北京|办公室|车站"),
    "ja": ("{y}年{m}月{d}日{h}時{n}分、{a}は{c}で{b}に会います。",
           "田中さん|佐藤さん|鈴木さん", "先生|友だち|部長", "東京|会社|駅"),
}  # fmt: skip


def calendar(seed: int = 3, count: int = 320) -> Iterator[Document]:
    """``count`` documents of appointments, the languages in turn."""
    dice = _Dice(seed)
    languages = list(_LANGUAGES.items())
    for number in range(count):
        code, (sentence, *choices) = languages[number % len(languages)]
        people, others, places = (choice.split("|") for choice in choices)
        lines = []
        for _ in range(8 + dice.below(12)):
            day = dice.day()
            lines.append(
                sentence.format(
                    d=day.day,
                    m=day.month,
                    y=day.year,
                    h=7 + dice.below(13),
                    n=f"{5 * dice.below(12):02d}",
                    a=dice.pick(people),
                    b=dice.pick(others),
                    c=dice.pick(places),
                )
            )
        yield Document(f"{code}/{number:05d}", "\n".join(lines) + "\n")
