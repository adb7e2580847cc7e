"""How people shorten words in messages. What a short form means depends on the language: "n" is "en", "and" or "não"."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet


def _table(text: str) -> dict[str, str]:
    """From lines of "short, short: full form" to short form -> full form."""
    rows = (line.split(":") for line in text.strip().splitlines())
    return {short.strip(): full.strip() for shorts, full in rows for short in shorts.split(",")}


SPANISH = _table("""
    q, k, ke, qe, qu: que
    xq, xk, pq, porq, pork, porke, xke, xque, poq: porque
    x: por
    xa, pa, pra: para
    pal: para el
    m: me
    t: te
    d: de
    n: en
    ta, sta: está
    tas, stas: estás
    tamos, stamos: estamos
    toy, stoy: estoy
    taba, staba: estaba
    tb, tbn, tmb, tmbn, tambien, tbien: también
    msj, mnsj, msje, mje: mensaje
    msjs, mnsjs: mensajes
    cmo, komo: como
    kiero, qiero, qero, kero, kiro, qro: quiero
    kieren, qieren: quieren
    kiere, qiere: quiere
    kien, qien: quién
    kual, qual: cuál
    kuando, cdo, cnd, cndo, cuand, qando: cuando
    kuanto, cto: cuánto
    aki, aqi, ake: aquí
    aora, ahra, hra: ahora
    cta, kta, kuenta, cnta: cuenta
    ctas: cuentas
    xfa, xfavor, porfa, porfis, plis, plz, pls, porfavor, pf, pfv, xfis: por favor
    fa: favor
    bn, vien: bien
    dnd, dond: donde
    tmpoco, tpoco: tampoco
    nd, nda: nada
    td, tdo, to2: todo
    tds, tdos: todos
    mñn, mñna, mnn, mñana: mañana
    hrs: horas
    tel, tlf, tlfn, tfno, telf, tlfno: teléfono
    cel: celular
    nro: número
    pag, pág: página
    inet, intenet: internet
    wsp, wpp, wasap, wasa, guasap, wassap, whats: whatsapp
    grax, grcs, grs, gcs, grx, thx: gracias
    slds, salu2: saludos
    hla, ola, wola: hola
    wenas, buens, bnas: buenas
    weno: bueno
    dsd, dsde: desde
    hst, hsta, asta: hasta
    muxo, mxo, mcho: mucho
    muxa, mxa, mcha: mucha
    muxos, mxos: muchos
    muxas, mxas: muchas
    vdd, vrdd: verdad
    dcir: decir
    kmbiar, kambiar, cmbiar: cambiar
    kambio, kmbio: cambio
    kuesta: cuesta
    kosa, ksa: cosa
    kmo: como
    xro: pero
    dsps, dsp, dspues, despues: después
    nose: no sé
    nc: no sé
    pass, psw, pwd, pasword, contrasña, contrsña, ctrsña, cntraseña: contraseña
    usr, usu: usuario
    tarj, tjta: tarjeta
    prob: problema
    probs: problemas
    cód, cod: código
    actu: actualizar
    config: configuración
    finde: fin de semana
    toi: estoy
    stoi: estoy
    boi: voy
    soi: soy
    ize: hice
    aser, acer: hacer
    aver: a ver
    osea: o sea
    tngo: tengo
    tiens: tienes
    pdo, pueo: puedo
    puedn: pueden
    nesesito, necsito, ncsito: necesito
    kreo: creo
    funka, funca: funciona
    enviarn: enviaron
""")

ENGLISH = _table("""
    u: you
    ur: your
    urs: yours
    r: are
    y: why
    plz, pls, plse, plss, pleez: please
    thx, tnx, thnx, thks: thanks
    cuz, coz, bcz, bcoz, bcuz, becuz, bc, bcs, cos, bcause: because
    wat, wut, wht, wot: what
    wats, wuts: what's
    wen, whn: when
    wer, wher: where
    da, teh: the
    dat, tht: that
    dis, ths: this
    dey: they
    dem: them
    hv, hav, hve: have
    hvnt, havnt: haven't
    cn: can
    cnt, cant: can't
    dnt, dont, dnot: don't
    doesnt, dsnt: doesn't
    didnt: didn't
    wont: won't
    isnt: isn't
    wasnt: wasn't
    mi: my
    w/, wid, wit, wiv: with
    w/o: without
    n, nd: and
    abt, bout: about
    acct, acc, acnt, accnt, acount: account
    accts, accs: accounts
    msg: message
    msgs: messages
    pw, pwd, passwd, pswd: password
    amt: amount
    b4: before
    gr8: great
    l8: late
    l8r: later
    2day: today
    2moro, tmrw, tmr, 2mrw, tmw, tomoro: tomorrow
    2nite, tonite: tonight
    4get: forget
    4got: forgot
    frm, 4m: from
    ppl: people
    shud, shld: should
    cud, cld: could
    wud, wld: would
    wanna: want to
    gonna: going to
    gotta: have to
    lemme: let me
    gimme: give me
    dunno, idk: i don't know
    nt: not
    nvr: never
    alrdy, alrd: already
    rcvd, recvd: received
    rcv: receive
    txn, trx, txs: transaction
    txns: transactions
    pymt, pmt, paymt: payment
    ordr: order
    hw: how
    hrs: hours
    mins: minutes
    im: i'm
    ive: i've
    thru: through
    tho: though
    nxt: next
    gd: good
    nw: now
    rly, rlly: really
    sth, smth: something
    sm1, some1: someone
    any1: anyone
    no1: no one
    every1: everyone
    luv: love
    btw: by the way
    asap: as soon as possible
    chk: check
    trnsfr, xfer: transfer
    wrk: work
    wrkng, wrking: working
    yday, yest: yesterday
    jst: just
    mch: much
    mny: many
    knw, kno: know
    deets: details
""")

PORTUGUESE = _table("""
    vc, voce, v6: você
    vcs, voces, vcz: vocês
    n, ñ, nao, naum: não
    q, k, ke: que
    pq, porq, pork: porque
    pra, p, p/, pa: para
    pras: para as
    tb, tbm, tmb, tbem, tbn: também
    cm, cmo: como
    c/: com
    s/: sem
    qd, qnd, qdo, qndo: quando
    ta: está
    to: estou
    tao: estão
    tava: estava
    tavam: estavam
    tamo, tamos: estamos
    d: de
    mt, mto, mtu: muito
    mta: muita
    mts, mtos: muitos
    hj: hoje
    agr, agra: agora
    dps, dpois, depoi: depois
    blz: beleza
    obg, obgd, vlw: obrigado
    obgda, obga: obrigada
    pf, pfv, pfvr, pls, plz, pfavor: por favor
    msg: mensagem
    msgs: mensagens
    msm: mesmo
    nd: nada
    td, tdo: tudo
    tds: todos
    fzr: fazer
    fz: faz
    qm: quem
    qq, qqr, qlqr: qualquer
    qto, qnto: quanto
    qts, qtos: quantos
    eh: é
    kd, cade: cadê
    ngm, ningm: ninguém
    alg, algm: alguém
    vdd: verdade
    ctz, crtz: certeza
    aki, aq: aqui
    smp: sempre
    cel: celular
    tel, fone: telefone
    cta: conta
    pgto, pgmto, pagto: pagamento
    dnv: de novo
    vlr: valor
    zap, zapzap, wpp, whats: whatsapp
    bjs: beijos
    gnt: gente
    fds: fim de semana
    nº, nr: número
    qro, kero, qero: quero
    axo: acho
    vo: vou
    tnho, tnh: tenho
    pod: pode
    cnsigo, consg: consigo
    bdia: bom dia
    ond, aond: onde
    oq, oque: o que
    pqp: por que
    sla: sei lá
    msmo: mesmo
    entt, entao, ent: então
    ja: já
    ate: até
    so: só
""")

TABLES = {"es": SPANISH, "en": ENGLISH, "pt": PORTUGUESE}
"""Short form -> full form, of each language."""

FULL_FORMS = frozenset(word for table in TABLES.values() for full in table.values() for word in full.split())
"""The words that are shortened: the commonest of their languages."""


def _clear() -> dict[str, str]:
    """The short forms that are long enough to be no word, and mean one thing in all the languages that have them."""
    meanings: dict[str, set[str]] = {}
    for table in TABLES.values():
        for short, full in table.items():
            meanings.setdefault(short, set()).add(full)
    return {short: fulls.pop() for short, fulls in meanings.items() if len(fulls) == 1 and _is_clear(short)}


def _is_clear(short: str) -> bool:
    return len(short) > 2 or short in {"q", "xq", "pa"}  # noqa: PLR2004


_CLEAR = _clear()
_NUMBERS = {"2": "to", "4": "for"}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BEFORE_NUMBER = _words(
    "how want wants need needs have has try trying able going like go where supposed used way talk due up asked got get"
    " pay paying pls please looking waiting wait ask thanks thx ready time u you not nt"
)
_AFTER_NUMBER = _words("my mi the da a an ur your u me it this that dat him her us ppl be get do help see use")
_UNITS = _words("min hr hour day week month year time factor step more other of")
_AFTER_NO = _words(
    "m t me te se le les nos puedo puede puedes pude puedn pueo pdo tengo tngo hay sé se deja sale llega funciona funka"
)
"""What "en" never stands before in Spanish: there "n" is "no"."""


def spell_out(words: Sequence[str], language: str | None, known: AbstractSet[str] = frozenset()) -> list[str]:
    """Words in full.

    Args:
        words: in lower case, in their order.
        language: "es", "en" or "pt"; None leaves all that could be misread.
        known: words that the knowledge base itself uses: they are meant as they stand.
    """
    table = _CLEAR if language is None else TABLES[language]
    return [
        word if word in known else _full(words, position, table, is_english=language == "en")
        for position, word in enumerate(words)
    ]


def _full(words: Sequence[str], position: int, table: dict[str, str], *, is_english: bool) -> str:
    word = words[position]
    before = words[position - 1] if position else ""
    after = words[position + 1] if position + 1 < len(words) else ""
    if word in _NUMBERS:
        return _NUMBERS[word] if is_english and _is_preposition(before, after) else word
    if len(word) == 1 and (before.isdigit() or after.isdigit()):  # "10 m", "2 x 3"
        return word
    if word == "n" and table is SPANISH and after in _AFTER_NO:
        return "no"
    return table.get(word, word)


def _is_preposition(before: str, after: str) -> bool:
    if not after.isalpha() or after in _UNITS:
        return False
    return after in _AFTER_NUMBER or (before in _BEFORE_NUMBER and not after.endswith("s"))
