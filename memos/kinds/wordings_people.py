"""How facts about people are asked for; read by ``memos.kinds.wordings``."""

from __future__ import annotations

PEOPLE = """
home
ask   Where does {s} live? / In which place is {s}'s home? / What is {s}'s place of residence?
ask   Which town or country does {s} live in?
check Where is {s}'s home now?
hold  Tell me where {s} lives. / In which place does {s} live now?
say   {s} lives in / {s}'s home is in
back  Who lives in {v}? / Whose home is in {v}? / Who has a home in {v}?
back? Which person lives in {v}?
back! Tell me who lives in {v}. / Who is it that lives in {v} now?

based
ask   Where is {s} based? / In which place is {s} based? / What is {s}'s base?
ask   From which place does {s} operate?
check Where can {s} be found?
hold  Tell me where {s} is based. / Which place is {s} based in?
say   {s} is based in / {s} operates from
back  Who is based in {v}? / Which person or organisation is based in {v}? / Who has a base in {v}?
back? Who operates from {v}?
back! Tell me who is based in {v}. / Who is it that is based in {v}?

employer
ask   Where does {s} work? / Who does {s} work for? / Which company or organisation employs {s}?
ask   At what place does {s} have a job?
check Who is {s}'s employer?
hold  Tell me where {s} works. / What is the name of the place where {s} works?
say   {s} works at / The employer of {s} is
back  Who works at {v}? / Who is employed by {v}? / Who has a job at {v}?
back? Which person works for {v}?
back! Tell me who works at {v}. / Whose employer is {v}?

workplace
ask   In which place did {s} work? / Where was {s} employed? / Where did {s} have a job?
ask   What was {s}'s place of work?
check Which town or country did {s} work in?
hold  Tell me where {s} worked. / Where did {s} find work?
say   {s} worked in / The place where {s} worked is
back  Who worked in {v}? / Who was employed in {v}? / Who had a job in {v}?
back? Whose place of work was {v}?
back! Tell me who worked in {v}. / Which person found work in {v}?

job
ask   What does {s} do for a living? / What is {s}'s job? / What does {s} work as?
ask   Which occupation does {s} have?
check By what work does {s} earn a living?
hold  Tell me what {s}'s job is. / What is {s}'s profession?
say   The job of {s} is that of / {s}'s profession is that of
back  Whose job is that of {v}? / Who has the occupation of {v}? / Who does the work of {v}?
back? Who is {v} by occupation?
back! Tell me whose job is {v}. / Whose profession is that of {v}?

birth
ask   When was {s} born? / On which date was {s} born? / What is {s}'s birth date?
ask   When did {s} come into the world?
check Which day or year is {s}'s birth dated?
hold  Tell me when {s} was born. / What is {s}'s date of birth?
say   {s}'s date of birth is / The birth date of {s} is
back  Whose birth date is {v}? / Who was born at this time: {v}? / Whose birth is dated {v}?
back? Who came into the world at this time: {v}?
back! Tell me whose birth date is {v}. / Who has {v} as the date of birth?

birthplace
ask   Where was {s} born? / Where does {s} come from? / Which place is {s} from?
ask   What is {s}'s birthplace?
check In what town or country was {s} born?
hold  Tell me where {s} is from. / What is the place where {s} was born?
say   {s} was born in / {s} comes from
back  Who was born in {v}? / Who comes from {v}? / Who is from {v}?
back? Whose birthplace is {v}?
back! Tell me who comes from {v}. / Which person was born in {v}?

spouse
ask   Who is {s} married to? / Who is {s}'s spouse? / Who did {s} marry?
ask   With whom does {s} share a marriage?
check Who is the husband or wife of {s}?
hold  Tell me who {s} is married to. / What is the name of the person {s} married?
say   {s} is married to / The spouse of {s} is
back  Who is {v} married to? / Who is {v}'s spouse? / Who married {v}?
back? Who is the husband or wife of {v}?
back! Tell me who {v} is married to. / What is the name of the person {v} married?

name
ask   What is {s}'s {x} called? / What is the name of {s}'s {x}? / What name does {s}'s {x} have?
ask   By which name does {s}'s {x} go?
check Which name was given to {s}'s {x}?
hold  Tell me the name of {s}'s {x}. / How is {s}'s {x} named?
say   {s}'s {x} is called / The name of {s}'s {x} is
back  Whose {x} is called {v}? / Whose {x} has the name {v}? / Whose {x} goes by the name of {v}?
back? Whose is the {x} that is called {v}?
back! Tell me whose {x} is named {v}. / To whom does the {x} {v} belong?

allergy
ask   What is {s} allergic to? / Which allergy does {s} have? / What must {s} not eat or touch?
ask   What causes {s} an allergic reaction?
check To what does {s} react badly?
hold  Tell me what {s} is allergic to. / What is it that {s} has an allergy to?
say   {s} is allergic to / {s} has an allergy to
back  Who is allergic to {v}? / Who has an allergy to {v}? / Whose allergy is to {v}?
back? Who reacts badly to {v}?
back! Tell me who is allergic to {v}. / Who is it that cannot stand contact with {v}?

age
ask   How old is {s}? / What is {s}'s age? / What age is {s}? / How many years has {s} lived?
check What is the age of {s} in years?
hold  Tell me how old {s} is. / How many years old is {s}?
say   {s}'s age is / The age of {s} in years is
back  Who is {v} years old? / Whose age is {v}? / Who has lived {v} years?
back? Who is aged {v}?
back! Tell me who is {v} years old. / Which person is of the age of {v}?

count
ask   How many {x} does {s} have? / What number of {x} does {s} have? / How many are {s}'s {x}?
ask   How many {x} are {s}'s?
check Of {x}, how many has {s}?
hold  Tell me how many {x} {s} has. / What is the number of {s}'s {x}?
say   The number of {s}'s {x} is / The number of {x} that {s} has is
back  Who has {v} {x}? / Whose {x} are {v} in number? / Who is the owner of {v} {x}?
back? Which person has {v} {x}?
back! Tell me who has {v} {x}. / Of {x}, who has {v}?

plays
ask   What does {s} play? / Which game or instrument does {s} play? / What is {s} able to play?
ask   What can {s} play?
check Which game or instrument is {s}'s?
hold  Tell me what {s} plays. / What is it that {s} plays?
say   {s} plays / What {s} plays is
back  Who plays {v}? / Who is able to play {v}? / Who can play {v}?
back? Which person plays {v}?
back! Tell me who plays {v}. / Who is it that plays {v}?

speaks
ask   Which language does {s} speak? / What does {s} speak? / In which language can {s} talk?
ask   What language does {s} know?
check What is {s}'s language?
hold  Tell me which language {s} speaks. / What language is it that {s} speaks?
say   {s} speaks / The language of {s} is
back  Who speaks {v}? / Who is able to speak {v}? / Who knows the language {v}?
back? Which person speaks {v}?
back! Tell me who speaks {v}. / Who is it that can talk in {v}?

studies
ask   What does {s} study? / What is {s}'s subject? / In which subject is {s} a student?
ask   Which field of study is {s}'s?
check Which subject did {s} choose?
hold  Tell me what {s} studies. / What is it that {s} studies?
say   {s} studies / The subject that {s} studies is
back  Who studies {v}? / Whose subject is {v}? / Who is a student of {v}?
back? Who chose {v} as a subject?
back! Tell me who studies {v}. / Which person's field of study is {v}?

likes
ask   What does {s} like? / What does {s} enjoy? / What makes {s} happy? / What is {s} fond of?
check What gives {s} pleasure?
hold  Tell me what {s} likes. / What is it that {s} likes?
say   {s} likes / {s} is fond of
back  Who likes {v}? / Who enjoys {v}? / Who is fond of {v}?
back? Whom does {v} make happy?
back! Tell me who likes {v}. / Who takes pleasure in {v}?

dislikes
ask   What does {s} dislike? / What does {s} hate? / What can {s} not stand?
ask   What is {s} averse to?
check What would {s} rather avoid?
hold  Tell me what {s} dislikes. / What is it that {s} does not like?
say   {s} dislikes / {s} cannot stand
back  Who dislikes {v}? / Who hates {v}? / Who cannot stand {v}?
back? Who would rather avoid {v}?
back! Tell me who dislikes {v}. / Who does not like {v}?

started
ask   What did {s} start? / What has {s} taken up? / What is new for {s}? / What did {s} begin?
check What has {s} begun with?
hold  Tell me what {s} started. / What is it that {s} began?
say   {s} started / {s} took up
back  Who started {v}? / Who has taken up {v}? / For whom is {v} new?
back? Who has begun with {v}?
back! Tell me who started {v}. / Who is it that began {v}?

quit
ask   What did {s} quit? / What has {s} given up? / What did {s} stop? / What did {s} leave off?
check With what is {s} through?
hold  Tell me what {s} quit. / What is it that {s} no longer does?
say   {s} quit / {s} gave up
back  Who quit {v}? / Who has given up {v}? / Who stopped {v}?
back? Who is through with {v}?
back! Tell me who quit {v}. / Who is it that left off {v}?

bought
ask   What did {s} buy? / What has {s} bought? / What did {s} pay for? / What did {s} get in a shop?
check On what did {s} spend money?
hold  Tell me what {s} bought. / What is it that {s} bought?
say   {s} bought the / What {s} bought is the
back  Who bought the {v}? / Who has bought the {v}? / Who paid for the {v}?
back? Who spent money on the {v}?
back! Tell me who bought the {v}. / Who is the buyer of the {v}?

drives
ask   What does {s} drive? / Which vehicle does {s} have? / What does {s} get around in?
ask   What vehicle does {s} use?
check What does {s} travel in?
hold  Tell me what {s} drives. / What is it that {s} drives?
say   {s} drives the / The vehicle of {s} is the
back  Who drives the {v}? / Whose vehicle is the {v}? / Who gets around in the {v}?
back? Who travels in the {v}?
back! Tell me who drives the {v}. / Who is the driver of the {v}?

visited
ask   Which place did {s} visit? / Where did {s} go? / Where did {s} travel to?
ask   To which place did {s} make a trip?
check Where was {s} a visitor?
hold  Tell me where {s} went. / What is the place that {s} visited?
say   {s} visited / {s} made a trip to
back  Who visited {v}? / Who went to {v}? / Who travelled to {v}?
back? Who was a visitor in {v}?
back! Tell me who visited {v}. / Who made a trip to {v}?

plan
ask   What does {s} plan to do? / What does {s} want to do? / What is {s}'s plan?
ask   What does {s} hope to do?
check What does {s} intend to do?
hold  Tell me what {s} plans to do. / What is it that {s} wants to do?
say   {s} plans to / {s}'s plan is to
back  Who plans to {v}? / Who wants to {v}? / Who hopes to {v}?
back? Who intends to {v}?
back! Tell me who plans to {v}. / Whose plan is to {v}?

favourite
ask   What is {s}'s favourite {x}? / Which {x} does {s} like best?
ask   What {x} does {s} like most of all? / What is the {x} that {s} prefers?
check Of each {x}, which is dearest to {s}?
hold  Tell me {s}'s favourite {x}. / Which {x} is {s}'s favourite?
say   {s}'s favourite {x} is / The {x} that {s} likes best is
back  Whose favourite {x} is {v}? / Who likes {v} best as {x}? / Who prefers {v} as {x}?
back? To whom is {v} the dearest {x}?
back! Tell me whose favourite {x} is {v}. / Who has {v} as a favourite {x}?

birthday
ask   When is {s}'s birthday? / On which day is {s}'s birthday? / When does {s} turn older?
ask   Which day is {s}'s birthday?
check When does {s} celebrate a birthday?
hold  Tell me when {s}'s birthday is. / What is the date of {s}'s birthday?
say   {s}'s birthday is on / The birthday of {s} is on
back  Whose birthday is on {v}? / Who has a birthday on {v}? / Who turns older on {v}?
back? Who celebrates a birthday on {v}?
back! Tell me whose birthday is on {v}. / Who was born on {v}, in some year?

owned
ask   What is {s}'s {x}? / What do you know of {s}'s {x}? / What about {s}'s {x}?
ask   What is the {x} of {s}?
check How about the {x} of {s}?
hold  Tell me of {s}'s {x}. / What can be said of {s}'s {x}?
say   {s}'s {x} is / The {x} of {s} is
"""
