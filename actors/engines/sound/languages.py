"""What language a container says a track is in, as BCP 47 has it. Pure.

Sources: ISO 639-2 with both its codes where there are two (loc.gov/standards/iso639-2); RFC 5646, section
2.2.1: the shortest code of a language is the one to use.
"""

import re
from typing import Final

_NO_LANGUAGE: Final = frozenset(("und", "mis", "mul", "zxx", "qaa"))
_TAG: Final = re.compile(r"([a-z]{2,3})((?:-[a-z0-9]{2,8}){0,3})", re.ASCII)
_REGION_LETTERS, _SCRIPT_LETTERS = 2, 4
_PRIVATE: Final = re.compile(r"q[a-t][a-z]", re.ASCII)
_CODES: Final = """
    aar:aa abk:ab afr:af aka:ak alb:sq amh:am ara:ar arg:an arm:hy asm:as ava:av ave:ae aym:ay aze:az bak:ba
    bam:bm baq:eu bel:be ben:bn bih:bh bis:bi bod:bo bos:bs bre:br bul:bg bur:my cat:ca ces:cs cha:ch che:ce
    chi:zh chu:cu chv:cv cor:kw cos:co cre:cr cym:cy cze:cs dan:da deu:de div:dv dut:nl dzo:dz ell:el eng:en
    epo:eo est:et eus:eu ewe:ee fao:fo fas:fa fij:fj fin:fi fra:fr fre:fr fry:fy ful:ff geo:ka ger:de gla:gd
    gle:ga glg:gl glv:gv gre:el grn:gn guj:gu hat:ht hau:ha heb:he her:hz hin:hi hmo:ho hrv:hr hun:hu hye:hy
    ibo:ig ice:is ido:io iii:ii iku:iu ile:ie ina:ia ind:id ipk:ik isl:is ita:it jav:jv jpn:ja kal:kl kan:kn
    kas:ks kat:ka kau:kr kaz:kk khm:km kik:ki kin:rw kir:ky kom:kv kon:kg kor:ko kua:kj kur:ku lao:lo lat:la
    lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg mac:mk mah:mh mal:ml mao:mi mar:mr may:ms mkd:mk mlg:mg
    mlt:mt mon:mn mri:mi msa:ms mya:my nau:na nav:nv nbl:nr nde:nd ndo:ng nep:ne nld:nl nno:nn nob:nb nor:no
    nya:ny oci:oc oji:oj ori:or orm:om oss:os pan:pa per:fa pli:pi pol:pl por:pt pus:ps que:qu roh:rm ron:ro
    rum:ro run:rn rus:ru sag:sg san:sa sin:si slk:sk slo:sk slv:sl sme:se smo:sm sna:sn snd:sd som:so sot:st
    spa:es sqi:sq srd:sc srp:sr ssw:ss sun:su swa:sw swe:sv tah:ty tam:ta tat:tt tel:te tgk:tg tgl:tl tha:th
    tib:bo tir:ti ton:to tsn:tn tso:ts tuk:tk tur:tr twi:tw uig:ug ukr:uk urd:ur uzb:uz ven:ve vie:vi vol:vo
    wel:cy wln:wa wol:wo xho:xh yid:yi yor:yo zha:za zho:zh zul:zu
"""
_SHORT: Final[dict[str, str]] = dict(re.findall(r"(\w+):(\w+)", _CODES))


def language_of(told: str | None) -> str | None:
    """Return the tag for what a container says, `ger` or `pt-BR`; None for what names no language.

    Three letters without a shorter form are kept unless they are none of a language: `fil`, but not `und`.
    """
    found = _TAG.fullmatch((told or "").strip().replace("_", "-").lower())
    if found is None or found[1] in _NO_LANGUAGE or _PRIVATE.fullmatch(found[1]):
        return None
    return _SHORT.get(found[1], found[1]) + "".join(_cased(part) for part in found[2].split("-")[1:])


def _cased(part: str) -> str:
    """Return a subtag as it is usually written (RFC 5646, section 2.1.1): `-Hans`, `-BR`."""
    if len(part) == _SCRIPT_LETTERS and part.isalpha():
        return f"-{part.title()}"
    return f"-{part.upper()}" if len(part) == _REGION_LETTERS else f"-{part}"
