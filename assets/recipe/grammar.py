"""A grammar of hotel reviews, all of it written for this example: sentences with {alternatives|in braces}."""

from __future__ import annotations

import random
import re

PRAISE, COMPLAINT = 0, 1
MIXED, FILLED = 0.25, 0.5  # shares of the reviews with a sentence against their label, and with a neutral one
OPENINGS = """\
We {stayed|spent|booked} {two|three|four|five} nights {in late spring|in early autumn|over the holidays|during a fair}.
I came {for a wedding|for a fair|to visit my sister|on the way to the coast} and {slept|lodged} in a {twin|double} room.
Our {family of four|hiking group|choir|little party} {arrived|turned up} {after dark|around noon|in the rain|by train}.
It was {my second|our first|perhaps my fifth} {visit|stay}, {this time|now} {with the children|with a colleague|alone}.
{A friend|My travel agent|A leaflet|My brother} had {suggested|mentioned|praised} this {house|hotel|place} to us.
{Last weekend|In March|Two weeks ago|On a Tuesday} I {needed|took} a bed {near the fair|in town|between two flights}.
""".splitlines()
ASPECTS = {
    "bed": (
        """\
The {bed|mattress} {was wide and firm|held my back well|let me sleep until ten}.
I {slept like a stone|woke rested every morning} {under the thick duvet|on the big pillows}.
The {sheets|pillows} {smelled fresh|were crisp and clean|felt newly bought}.""",
        """\
The {bed|mattress} {sagged in the middle|creaked at every turn|left me with a stiff neck}.
I {lay awake|tossed and turned} {on the lumpy pillows|under a blanket far too thin}.
The {sheets|pillows} {smelled of damp|had stains on them|were worn to threads}.""",
    ),
    "breakfast": (
        """\
{Breakfast|The morning buffet} {was generous and warm|came with bread from their own oven|had more than we could try}.
The {coffee|tea} {was strong and hot|tasted freshly made}, and {the fruit was ripe|the eggs came just as ordered}.
{Even at ten|Late as we were}, {the cook fried us fresh eggs|every bowl was filled again}.""",
        """\
{Breakfast|The morning buffet} {was cold and meager|came out of plastic packets|had run out by eight}.
The {coffee|tea} {was lukewarm and thin|tasted of the machine}, and {the fruit was bruised|the eggs were rubber}.
{By nine|Early as we were}, {only crumbs were left|half of the bowls stood empty}.""",
    ),
    "staff": (
        """\
The {porter|receptionist|night clerk} {greeted us by name|found us a ride at midnight|had time for every question}.
The {staff|people at the desk} {smiled and meant it|sorted out our tickets in minutes|drew us a map by hand}.
When I {lost my scarf|forgot my charger}, {they posted it to me|somebody ran after me with it}.""",
        """\
The {porter|receptionist|night clerk} {looked straight through us|let the phone ring|shrugged at every question}.
The {staff|people at the desk} {argued in front of us|mixed up our booking twice|sent us from door to door}.
When I {lost my scarf|forgot my charger}, {nobody cared to look|they never called back}.""",
    ),
    "bath": (
        """\
The {shower|bathroom} {was spotless|had hot water at once|was bigger than mine at home}.
{Towels|Soap and towels} were {soft and plenty|replaced without asking}.
The {tiles|taps} {shone|looked brand new} and {the tub was deep|the mirror never fogged}.""",
        """\
The {shower|bathroom} {had mold in the corners|ran cold after a minute|was barely wider than my shoulders}.
{Towels|Soap and towels} were {gray and scarce|missing on two days}.
The {tiles|taps} {were cracked|dripped all night} and {the tub was stained|the drain was blocked}.""",
    ),
    "noise": (
        """\
At night {it was perfectly quiet|you could hear the crickets|nothing stirred}.
{Thick doors|The double windows} {kept every sound out|made the street vanish}.
{Neither the lift nor the neighbors|Not even the bar below} {could be heard|ever woke me}.""",
        """\
At night {trucks roared past|the music went on until three|doors kept slamming}.
{Thin doors|The old windows} {let every sound in|rattled with each bus}.
{Both the lift and the neighbors|The bar below} {could be heard until dawn|woke me again and again}.""",
    ),
    "view": (
        """\
From {the balcony|our window} {we watched the boats|one sees half of the valley|the sunset was a gift}.
The {room|suite} {was bright and airy|had space to dance in}, with {a view of the gardens|two big windows}.
{Curtains and carpet|The colors and lamps} {were chosen with taste|made it feel like home}.""",
        """\
From {the balcony|our window} {we stared at a wall|one sees bins and pipes|there was nothing but a car park}.
The {room|suite} {was dark and stuffy|had no space for a suitcase}, with {a view of a shaft|one tiny window}.
{Curtains and carpet|The colors and lamps} {had seen better decades|made it feel like a waiting room}.""",
    ),
    "price": (
        """\
For {that money|the price}, {I have never had more|one could not ask for more|it is a bargain}.
{The bill|What we paid} {was exactly as promised|even came out lower than quoted}.
{Parking|The sauna|Late checkout} {cost us nothing|was thrown in for free}.""",
        """\
For {that money|the price}, {I have had far more elsewhere|one could ask for a door that locks|it is daylight robbery}.
{The bill|What we paid} {was padded with fees|came out much higher than quoted}.
{Parking|The sauna|Late checkout} {cost us a fortune|was charged on top}.""",
    ),
    "air": (
        """\
The {heating|air conditioning} {did its job without a sound|answered to a touch}.
{Warm floors|A cool breeze} {made coming back a pleasure|waited for us every evening}.
The {network|television} {worked at once|never failed in all those days}.""",
        """\
The {heating|air conditioning} {hummed and did nothing|was stuck at one setting}.
{Freezing floors|A smell of smoke} {made coming back a trial|waited for us every evening}.
The {network|television} {broke down hourly|never worked in all those days}.""",
    ),
    "supper": (
        """\
In the {restaurant|dining room} {the fish was superb|the soup alone is worth the trip|each plate came hot}.
The {waiter|cook} {remembered our wishes|suggested just the right wine}.
The {bar|terrace} {mixes a fine drink|is where we ended each happy evening}.""",
        """\
In the {restaurant|dining room} {the fish was dry|the soup came out of a tin|each plate came cold}.
The {waiter|cook} {forgot us for an hour|brought the wrong wine twice}.
The {bar|terrace} {was shut whenever we came|reeked of old beer}.""",
    ),
    "pool": (
        """\
The {pool|spa} {was clean and hardly crowded|had water as clear as glass}.
{Our children|The little ones} {did not want to leave the slide|loved the play corner}.
The {gym|garden} {is well kept|was a quiet delight}.""",
        """\
The {pool|spa} {was murky and packed|had been drained for repairs}.
{Our children|The little ones} {cut their feet on the slide|found the play corner locked}.
The {gym|garden} {was a dump|stayed locked all week}.""",
    ),
}  # by aspect: lines of praise, lines of complaint
FILLERS = """\
The {station|old town|lake|market} is {ten minutes|a short walk|two stops} away.
There are {three floors|two lifts|forty rooms} and {a small shop|a library|a bicycle shed}.
{Checkout|Checking out} is at {ten|eleven|noon}.
The {lobby|entrance} {faces the park|lies on the side street}.
They {take cards|speak several languages|keep a cat}.
""".splitlines()
_CHOICE = re.compile(r"\{([^{}]*)\}")


def expand(template: str, rng: random.Random) -> str:
    """Replace each {choice|of several} by one of its alternatives."""
    return _CHOICE.sub(lambda choice: rng.choice(choice[1].split("|")), template)


def review(label: int, rng: random.Random) -> str:
    """Write one review: an opening and, in any order, three aspects and perhaps a filler.

    Two aspects always decide for the label; the third one contradicts it in `MIXED` of the reviews.
    """
    kinds = [label, label, 1 - label if rng.random() < MIXED else label]
    sentences = [
        expand(rng.choice(ASPECTS[aspect][kind].splitlines()), rng)
        for aspect, kind in zip(rng.sample(sorted(ASPECTS), len(kinds)), kinds, strict=True)
    ]
    if rng.random() < FILLED:
        sentences.append(expand(rng.choice(FILLERS), rng))
    rng.shuffle(sentences)
    return " ".join([expand(rng.choice(OPENINGS), rng), *sentences])
