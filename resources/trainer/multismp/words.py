"""The words that invented users write: common English and invented names, chosen by hand, never taken from real posts.

The tiny tokenizer's byte-pair merges and the tiny base's prompts come from these lists alone (see prior.py).
"""

from __future__ import annotations

_NOUNS = """
apple arm art autumn baby back bag ball band bank bar beach bear bed bee bike bird boat body book bottle box boy bread
bridge brother building bus butterfly cake camera candle car card castle cat chair cheese child church circle city cliff
clock cloud club coast coffee color corner couple cow crowd cup dad dance dark daughter dawn day deer desert desk detail
dinner dog door dream dress drink duck dust eagle earth edge evening event eye face family farm father fence festival field
film fire fish flag floor flower fog food forest fountain fox friend fruit game garden gate girl glass goat gold grass
group guitar hair hall hand harbor hat head heart hill home horse hotel hour house ice island jacket kid king kitchen
lady lake lamp land lane leaf leg life light line lion living lunch machine man map market meal metal mirror moment mom
monkey month moon morning mother mountain mouse museum music name nature neck night noise north ocean office orange owl
paint palace paper park party path people phone photo piano picture place plane plant plate pool portrait potato queen
rain rainbow restaurant ring river road rock roof room rose sand school sea season shadow sheep ship shirt shoe shop show
sign silver sister skirt sky smile smoke snow song south spring square stage stair star station stone store storm story
stream street summer sun sunrise sunset table tail tea team temple tent theater time top tower town toy track traffic
trail train tree trip truck tunnel umbrella valley view village wall watch water wave wedding week wheel wind window wine
winter wolf woman wood work world year yard zoo
"""
_QUALITIES = """
able alone amazing ancient beautiful best big black blue bold bright broken brown busy calm clean clear cold colorful cool
curious deep dry early easy empty fair famous fast favorite final fine first free fresh full funny gentle giant golden
good grand gray great green happy hard heavy hidden high hot huge hungry inner kind large last late lazy left light little
local lonely long lost loud lovely low lucky modern new next nice odd old open orange other outer pale perfect pink plain
pretty proud pure purple quick quiet rare ready real red rich right round royal rusty sad sharp shiny short silent simple
sleepy slow small smooth soft strange strong sunny sweet tall thin tiny top true urban vintage warm wet white whole wide
wild wooden yellow young
"""
_DOINGS = """
ask bake blow break bring build buy call carry catch chase choose climb close come cook count cross cut dance draw drive
eat enjoy explore fall feed feel find fly follow forget gather get give glow go grow hang have hear hide hold jump keep
know laugh learn leave lie lift listen live look lose love make meet miss move need open paint park pass pick plan play
point pull push put read rest ride rise roll run sail say see sell send set share shine sing sit sleep smell speak spend
stand start stay stop swim take talk taste teach tell think throw touch travel try turn visit wait wake walk want wash
wear win wish wonder work write
"""
_SMALL = """
a about above after again all almost along always and another around as at away be because before behind below between both
but by can day down each even every everyone everything far few for from had has he her here him his how i if in inside
into is it its just last less like many maybe me more most much my near never no not nothing now of off often on once one
only or our out over own part really same she since so some something soon still such than that the their them then there
these they this those three through to today together tomorrow tonight too two under until up us very was way we well were
what when where which while who why will with without yesterday yet you your
"""
_FIELDS = """
action animal animals architecture baby beauty business cars cats celebration celebrations city concert cooking culture
design dessert dogs drinks electronics entertainment events family fashion fitness flowers food friends fun furniture games
hair health history hobby holiday holidays home insects jewelry landscape makeup model motor movie music nature news outdoor
party pets phones places plants politics reading recipe school science season seasons shopping social sports street style
technology tools toys travel urban vehicles video weather wildlife writing
"""
_SYLLABLE_TEXT = """ka lo mi ra ten vor sil du nar be qui zan fel mo ri tas hol ve lin gar pe su nok ya tri"""

_SYLLABLES = _SYLLABLE_TEXT.split()

NOUNS = _NOUNS.split()
QUALITIES = _QUALITIES.split()
DOINGS = _DOINGS.split()
SMALL_WORDS = _SMALL.split()
FIELD_WORDS = _FIELDS.split()
#: Names that mean nothing: two or three syllables each.
INVENTED_NAMES = [
    (first + second + third).capitalize()
    for at, first in enumerate(_SYLLABLES)
    for second, third in [(_SYLLABLES[(at * 7 + 3) % 25], ""), (_SYLLABLES[(at * 3 + 8) % 25], _SYLLABLES[(at * 11 + 5) % 25])]
]
