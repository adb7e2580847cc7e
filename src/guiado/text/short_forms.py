"""Short forms of messages and their full forms, by language; "n" is "en" in one, "and" in another."""

from __future__ import annotations


def _table(text: str) -> dict[str, str]:
    """Read lines of "short, short: full form" into a table of short form -> full form."""
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
"""The words of all full forms, which are the commonest of their languages."""
