"""What people call columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# What people call the columns, without case, accents and punctuation; the first present counts.
SYNONYMS = {
    "user": "user userid uid visitorid visitor customerid customer reviewerid reviewer memberid"
    " member sessionid session personid person clientid playerid listenerid readerid accountid"
    " profileid username usuario idusuario benutzer utilisateur",
    "item": "item itemid iid movieid movie productid product asin parentasin bookid book isbn"
    " artistid artist trackid track songid song businessid business videoid video articleid"
    " article newsid news gameid game filmid film animeid recipeid hotelid restaurantid beerid"
    " jokeid courseid placeid venueid contentid documentid docid appid adid",
    "rating": "rating ratings score scores stars star overall reviewscore",
    "click": "click clicks clicked isclick isclicked label",
    "slate": "slate slateid impressionid requestid",
    "place": "place position rank",
    "time": "timestamp time datetime unixtimestamp unixreviewtime eventtime createdat date ts"
    " dateadded",
}
# Words that say the role within longer names, and words beside which they say something else.
_RATING_WORDS = (
    "rating ratings rate rated score scores scored stars star overall grade grades nota notas note"
    " puntuacion valoracion calificacion bewertung voto valutazione avaliacao"
)
_NO_RATING_WORDS = (
    "count counts number num nb n no total sum avg average mean median std var date time timestamp"
    " at id year text title type propensity predicted prediction"
)
CONTEXT_WORDS = (
    "device platform os browser hour weekday daypart daytime season country region city channel"
    " page surface app weather context"
)
KIND_WORDS = "event action behavior behaviour interaction activity type"
_TIME_WORDS = "timestamp timestamps datetime epoch"
_ID_WORDS = "id ids no nr key code index idx hash uuid anon name"
_TITLE_WORDS = "title name headline"


def is_known(name: str) -> bool:
    """Returns whether a column with this name is read without being asked for.

    >>> is_known("User-ID"), is_known("Stars_given"), is_known("colour")
    (True, True, False)
    """
    plain = plain_name(name)
    return any(plain in usual.split() for usual in SYNONYMS.values()) or says_rating(name)


def says_rating(name: str) -> bool:
    """Returns whether a name says that a column holds ratings."""
    words = words_of(name)
    says = [w in _RATING_WORDS.split() for w in words]
    return any(says) and not any(w in _NO_RATING_WORDS.split() for w in words)


def says_time(name: str) -> bool:
    """Returns whether a name says that a column holds times."""
    return any(word in _TIME_WORDS.split() for word in words_of(name))


def calls_by_words(name: str, usual: Sequence[str]) -> bool:
    """Returns whether a name is a usual word and what ids are called: "Customer Key"."""
    words = words_of(name)
    return len(words) == 2 and any(
        word in usual and other in _ID_WORDS.split() for word, other in (words, reversed(words))
    )


def is_named_for(role: str, name: str) -> bool:
    """Returns whether a name is usual for a role, or just says that it is an id.

    >>> is_named_for("item", "Product ID"), is_named_for("item", "id"), is_named_for("item", "user")
    (True, True, False)
    """
    usual = SYNONYMS[role].split()
    return plain_name(name) in (*usual, "id") or calls_by_words(name, usual)


def is_id_name(name: str) -> bool:
    """Returns whether a name says that a column holds ids, codes or addresses.

    >>> is_id_name("imdbId"), is_id_name("zip_code"), is_id_name("idea")
    (True, True, False)
    """
    return bool(
        set(words_of(name)) & {"id", "ids", "code", "zip", "url", "uri", "isbn", "sku", "hash"}
    )


def is_title_name(name: str) -> bool:
    """Returns whether a name is that of what to call something.

    >>> is_title_name("Book-Title"), is_title_name("movie_name"), is_title_name("title_year")
    (True, True, False)
    """
    words = words_of(name)
    return bool(words) and words[-1] in _TITLE_WORDS.split()


def words_of(name: str) -> list[str]:
    """Returns the words of a name, by punctuation and by capitals: "Book-Rating", "bookRating"."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _without_accents(name))
    return re.findall(r"[^\W\d_]+", split.lower())


def plain_name(name: str) -> str:
    """Returns a name without case, accents and punctuation."""
    return "".join(c for c in _without_accents(name).lower() if c.isalnum())


def _without_accents(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name)
    return "".join(c for c in parts if not unicodedata.combining(c))
