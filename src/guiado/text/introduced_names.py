"""First names by which customers introduce themselves in small letters: "soy juan perez, no puedo entrar"."""

from __future__ import annotations

import re

from guiado.text.credentials import REMOVED
from guiado.text.fold import fold
from guiado.text.stopwords import FUNCTION_WORDS, GREETINGS

_FIRST_NAMES = """
    juan jose luis carlos jorge pedro pablo miguel manuel francisco javier antonio alejandro fernando ricardo roberto
    eduardo sergio raul rafael daniel david diego andres oscar alberto enrique mario martin hugo ivan victor gustavo
    julio cesar felipe sebastian nicolas matias lucas tomas joaquin emilio ernesto guillermo gerardo hector rodrigo
    ramon ruben adrian alvaro gonzalo esteban mauricio leonardo cristian facundo ignacio agustin bruno ulises wilson
    jhon edgar efrain fabian fidel german gilberto maria ana carmen laura marta lucia elena isabel patricia sandra
    monica silvia andrea claudia beatriz teresa cristina rocio raquel paula julia sara sofia valentina camila daniela
    gabriela fernanda natalia carolina veronica adriana alejandra lorena yolanda susana norma gloria juana rosario
    josefa angela marcela liliana viviana noelia florencia micaela agustina ines irene eva noemi lidia olga nuria
    montserrat pilar mercedes dolores concepcion guadalupe fatima leticia miriam ximena jimena karina joao paulo joana
    marcos mateus thiago tiago vinicius henrique caio renato marcelo leandro anderson wagner wellington fabio fabricio
    flavio otavio luiz luiza larissa mariana juliana bruna vanessa aline simone renata tatiana priscila rafaela
    eduarda isabela manuela antonia francisca rita rui nuno duarte goncalo vasco margarida catarina inês john james
    robert michael william richard joseph thomas charles christopher matthew anthony donald steven andrew kenneth
    joshua kevin brian george timothy ronald jason edward jeffrey ryan jacob gary nicholas eric jonathan stephen larry
    justin scott brandon benjamin samuel gregory alexander patrick dennis jerry tyler aaron henry peter adam nathan
    zachary kyle mary jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret ashley
    kimberly emily donna michelle amanda melissa deborah stephanie rebecca sharon cynthia kathleen amy shirley anna
    brenda pamela emma nicole helen samantha katherine christine rachel carolyn janet olivia heather diane julie joyce
    victoria kelly lauren christina joan evelyn judith hannah megan cheryl jacqueline martha tom tim jim bob mike dave
    steve chris kate jane
    yeison jeison yeisson brayan bryan brandon stiven steven stiwen jhonatan jonatan johan yohan jhony yair jair jhonny
    duvan duban deiby deivid anderson harold jairo hernan humberto nelson orlando alirio marlon milton wilmer wilder
    ismael isaac israel moises salvador vicente ramiro rogelio armando arturo benito gilberto rigoberto rolando rosendo
    efren eliseo evaristo jacinto leonel lorenzo marcelino maximiliano santiago matheo mateo samuel thiago emiliano
    gael dario hernando horacio ernestina yesenia yessenia leidy leydi lady deisy daysi deysi wendy katherin catherine
    katerin milena xiomara yolima yuliana yurany yurani yuri ingrid johana johanna jenny yenny jenifer yennifer shirly
    luz flor esperanza consuelo amparo blanca nelly nidia lilia ligia libia martha myriam stella estela estefania
    stefania tania vanesa viviana zulma zoraida amalia amelia aurora azucena berta bertha celia cecilia clara delia
    diana dora doris edith elsa elvira emma ester esther eugenia felisa fabiola graciela gladys hilda ines inmaculada
    irma isidora jacqueline josefina julieta laila lina luisa magdalena magaly maite manuela marcia margarita marina
    maribel maricela marisol marlene marlen matilde maura mayra melisa mireya mirta nadia nayeli nohora norma ofelia
    olivia paola paloma perla petra raquel rebeca regina reina romina rosa rosana rosalba ruth sabrina selena socorro
    soledad sonia tamara trinidad ursula violeta virginia wanda ximena yadira yamile yamila zaida itziar ainhoa aitor
    iker unai jordi xavier marc pau oriol nuria montse laia anton xoan brais iago uxia wesley wallace washington
    edson edilson gilson ailton ademir valdir josue jefferson geraldo sebastiao tarcisio raimundo benedito cleber
    joaquim jaime adalberto everton douglas danilo denis igor ingrid jessica jussara cleusa luciana lucila lourdes
    rosangela rosana sueli solange vera zilda terezinha raimunda francisca conceicao
"""
FIRST_NAMES = frozenset(map(fold, _FIRST_NAMES.split()))
_OTHERS = "no not nao sin sem without tengo quiero necesito vivo cliente usuario user desde since llevo estoy internet the"
_NO_SURNAME = FUNCTION_WORDS | GREETINGS | frozenset(_OTHERS.split())
KIN = (
    r"(?i:espos[oa]|marido|mujer|señora|hij[oa]|mam[aá]|pap[aá]|madre|padre|herman[oa]|ti[oa]|abuel[oa]|suegr[oa]|jef[ea]|"
    r"vecin[oa]|"
    r"novi[oa]|soci[oa]|amig[oa]|compañer[oa]|husband|wife|son|daughter|mother|father|mum|mom|dad|brother|sister|boss|friend|"
    r"neighbou?r|filh[oa]|mãe|pai|irm[ãa]o?|chefe|vizinh[oa]|amigo)"
)
_TITLE = r"señor(?:a|ita)?|sr[.]?|sra[.]?|srta[.]?|don|doña|senhora?|dona|mr[.]?|mrs[.]?|ms[.]?|lic[.]?|ing[.]?|dr[.]?|dra[.]?"
_INTRODUCED = re.compile(
    r"(?<!\w)(?=\w)((?i:soy|habla|hablo con|(?:aqu[ií]|ac[aá])(?: (?:habla|le habla|está))?|(?:les?|te) (?:escribe|habla|saluda)|"
    r"cliente|usuari[oa]|paciente|titular(?: es)?|yo,|"
    rf"(?:soy|sou|i'm|i am) (?:el|la|o|a|the) {KIN} (?:de|do|da|of)|"
    r"de parte de|a nombre de|em nome de|in the name of|on behalf of|"
    r"i'm|i am|it's|this is|sou|aqui (?:quem )?fala(?: é)?|aqui é|fala|quem fala é|"
    rf"(?:mi|nuestr[oa]|my|our|meu|minha) {KIN})[ ](?:(?i:el|la|o|a|es|is|é|se llama)[ ]){{0,2}}"
    rf"(?:(?i:{_TITLE})[ ])?)([^\W\d_]+)((?:[ ][^\W\d_]+){{0,3}})"
)
_HERE = re.compile(r"(?<=[Ii]t's )[^\W\d_]{2,20}(?= (?:here|speaking|again)\b)")
_SIGNED = re.compile(
    r"(?<!\w)((?i:saludos|gracias|atentamente|atte|regards|thanks|best|abraços?|obrigad[oa])[ ]?[,.!]{0,3}[ ]?\n\s{0,4}"
    r"|(?i:att|atte|atentamente|cordialmente)[,.:]{1,2}[ ])"
    r"([^\W\d_]+)((?:[ ][^\W\d_]+){0,3})(?=[ .]*(?:\n|\Z))"
)
_MOST_SURNAMES = 2


def remove_introduced(text: str) -> str:
    """Redact the names by which somebody introduces themselves, where the first one is a common first name."""
    text = _HERE.sub(REMOVED, text)
    return _SIGNED.sub(_clean, _INTRODUCED.sub(_clean, text))


def _clean(match: re.Match[str]) -> str:
    if fold(match[2]) not in FIRST_NAMES:
        return match[0]
    following = match[3].split()
    surnames = following[:_MOST_SURNAMES]
    is_capitalised = match[2][0].isupper()  # then a word in small letters is no surname
    ends = [n for n, word in enumerate(surnames) if fold(word) in _NO_SURNAME or (is_capitalised and word.islower())]
    taken = ends[0] if ends else len(surnames)
    after = following[taken] if taken < len(following) else ""
    # "soy maria llevo tres días": a sentence goes on without a comma
    is_cut = not ends and bool(after) and fold(after) not in _NO_SURNAME
    kept = following[0 if is_cut else taken :]
    return match[1] + REMOVED + "".join(f" {word}" for word in kept)
