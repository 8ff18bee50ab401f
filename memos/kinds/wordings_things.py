"""How facts about works, places and public lives are asked for; read by ``kinds.wordings``."""

from __future__ import annotations

THINGS = """
headquarters
ask   Where are the headquarters of {s}? / In which place is the main office of {s}?
ask   Where is {s} headquartered? / Which town is home to the headquarters of {s}?
check From where is {s} run?
hold  Tell me where {s} has its headquarters. / In what place is {s}'s head office?
say   {s} has its headquarters in / The main office of {s} is in
back  Which organisation is headquartered in {v}? / Whose headquarters are in {v}?
back  Whose main office is in {v}?
back? What is run from {v}?
back! Tell me whose head office is in {v}. / Which organisation has its headquarters in {v}?

location
ask   Where is {s}? / Where is {s} located? / In which place is {s}? / Where does {s} lie?
check What place is {s} in?
hold  Tell me where {s} can be found. / In what part of the world is {s} situated?
say   {s} lies in / {s} is situated in

continent
ask   On which continent is {s}? / Which continent is {s} part of? / What is the continent of {s}?
ask   To which continent does {s} belong?
check Which continent would you travel to for {s}?
hold  Tell me the continent that {s} is on. / What continent does {s} lie on?
say   {s} lies on the continent of / The continent of {s} is

capital
ask   What is the capital of {s}? / Which town is {s}'s capital? / What capital does {s} have?
ask   Which city is {s} governed from?
check What is the capital city of {s}?
hold  Tell me the capital of {s}. / Where is {s}'s seat of government?
say   The capital of {s} is / {s} is governed from

twin
ask   Which city is twinned with {s}? / What is {s}'s twin town? / What city is {s} a twin of?
ask   What is the partner city of {s}?
check Which is the sister city of {s}?
hold  Tell me the twin city of {s}. / With which town does {s} have a partnership?
say   {s} is twinned with / The sister city of {s} is

citizenship
ask   What is {s}'s nationality? / Of which country is {s} a citizen?
ask   What citizenship does {s} hold? / Which country does {s} belong to?
check Which nation is {s} a national of?
hold  Tell me {s}'s nationality. / Which country issued {s}'s passport?
say   {s}'s nationality is that of / {s} is a national of

religion
ask   What is {s}'s religion? / Which religion does {s} follow? / What faith does {s} belong to?
ask   Of which religion is {s}?
check Which faith is {s}'s?
hold  Tell me {s}'s religion. / In which faith does {s} believe?
say   {s}'s faith is / The religion of {s} is

tongue
ask   What is the native language of {s}? / Which language is {s} a native speaker of?
ask   What is {s}'s first language? / Which language did {s} grow up with?
check Which language comes first to {s}?
hold  Tell me {s}'s native language. / What language did {s} learn as a child?
say   The first language of {s} is / As a native, {s} speaks

language
ask   What is the language of {s}? / Which language is used in {s}? / What language is {s} in?
ask   In which language is {s}?
check Which language belongs to {s}?
hold  Tell me the language of {s}. / What language would one hear or read in {s}?
say   The language used in {s} is / {s} uses the language

official
ask   What is the official language of {s}? / Which language is spoken in {s}?
ask   What language do people use in {s}? / Which language is official in {s}?
check What language would one hear in {s}?
hold  Tell me the language that is spoken in {s}. / What do the people of {s} speak?
say   The language of the people of {s} is / In {s}, the common language is

code
ask   In which programming language is {s} written? / What is {s} programmed in?
ask   Which programming language does {s} use? / What is the programming language of {s}?
check What is the code of {s} written in?
hold  Tell me the programming language of {s}. / Which language is the source of {s} in?
say   {s} is written in the programming language / The programming language of {s} is

maker
ask   Who makes {s}? / Who developed {s}? / Which company made {s}? / Who is the maker of {s}?
check By whom was {s} made?
hold  Tell me who created {s}. / Which firm stands behind the making of {s}?
say   {s} was made by / The maker of {s} is

owner
ask   Who owns {s}? / Who is the owner of {s}? / To whom does {s} belong? / Whose is {s}?
check In whose possession is {s}?
hold  Tell me who owns {s}. / Whose property is {s}?
say   {s} is owned by / The owner of {s} is

parent
ask   What is {s} part of? / Which larger whole does {s} belong to? / To what does {s} belong?
ask   Of what is {s} a part?
check What includes {s}?
hold  Tell me what {s} is a part of. / What is the whole that {s} belongs to?
say   {s} is part of / {s} belongs to

network
ask   On which network was {s} shown? / Which channel broadcast {s}? / Which network aired {s}?
ask   What is the network of {s}?
check On what station could one watch {s}?
hold  Tell me the network of {s}. / Which broadcaster sent out {s}?
say   {s} was first shown on / The network of {s} is

namesake
ask   What is {s} named after? / After whom is {s} named? / Where does {s}'s name come from?
ask   What gave {s} its name?
check For whom or what was {s} named?
hold  Tell me what {s} is named after. / Who or what is the namesake of {s}?
say   {s} is named after / The namesake of {s} is

origin
ask   Where does {s} originate? / In which place did {s} start? / Where was {s} created?
ask   What is the place of origin of {s}?
check Where did {s} begin?
hold  Tell me where {s} comes from. / In what place does {s} have its roots?
say   {s} has its origin in / The place of origin of {s} is

post
ask   What position does {s} hold? / Which position was held by {s}? / What is {s}'s position?
ask   In what position is {s}?
check In what role is {s}?
hold  Tell me which position {s} has. / Which role does {s} fill?
say   {s} holds the position of / {s}'s position is that of

position
ask   Which position does {s} play? / In what position does {s} play? / What is {s}'s position?
ask   What is the position of {s} on the field?
check Where on the field does {s} play?
hold  Tell me the position that {s} plays. / As what does {s} play in the team?
say   {s}'s position is / On the field, {s} is the

sport
ask   Which sport does {s} play? / What is {s}'s sport? / In what sport is {s} active?
ask   Of which sport is {s} a player?
check In which sport does {s} compete?
hold  Tell me which sport {s} plays. / What game is {s} a professional of?
say   {s}'s sport is / The sport that {s} plays is

instrument
ask   Which instrument does {s} play? / What is {s}'s instrument? / On what does {s} perform?
ask   What does {s} make music on?
check Which instrument can {s} play?
hold  Tell me which instrument {s} plays. / On what instrument is {s} a musician?
say   {s}'s instrument is the / {s} makes music on the

genre
ask   What genre is {s}'s? / Which kind of music or show is {s} known for performing?
ask   What is the genre of {s}? / In which genre does {s} perform?
check To which genre does {s} belong?
hold  Tell me the genre of {s}. / Which style is typical of {s}?
say   {s}'s genre is / The style of {s} is

field
ask   What is {s}'s field of work? / In which field does {s} work? / What is {s} an expert in?
ask   What is the domain of {s}?
check On what subject does {s} work?
hold  Tell me {s}'s field. / Which discipline is {s} active in?
say   {s}'s field is / {s} is an expert in

member
ask   What is {s} affiliated with? / Which organisation is {s} linked to?
ask   Of what is {s} a member? / To which group does {s} belong?
check With whom is {s} associated?
hold  Tell me what {s} is affiliated with. / Which body counts {s} among its members?
say   {s} is a member of / {s} is associated with

team
ask   Which team does {s} play for? / What is {s}'s team? / Of what team is {s} a member?
ask   What is the name of {s}'s team?
check Which club is {s} with?
hold  Tell me which team {s} plays for. / In which club is {s} a player?
say   {s} plays for the team / {s}'s team is
back  Who plays for {v}? / Whose team is {v}? / Who is a member of the team {v}?
back? Who is with the club {v}?
back! Tell me who plays for {v}. / Which player belongs to {v}?

league
ask   In which league is {s}? / What league does {s} play in? / What is {s}'s league?
ask   To which league does {s} belong?
check Where does {s} compete?
hold  Tell me the league of {s}. / Which league has {s} as a member?
say   {s} plays in the league / The league of {s} is

school
ask   Where did {s} study? / Which university did {s} attend? / What college did {s} go to?
ask   At which university was {s} educated?
check What was {s}'s university?
hold  Tell me where {s} was educated. / From which school did {s} graduate?
say   {s} studied at / The university that {s} attended is
back  Who studied at {v}? / Who was educated at {v}? / Who attended {v}?
back? Whose university was {v}?
back! Tell me who studied at {v}. / Who went to {v} as a student?

war
ask   In which war did {s} fight? / What war was {s} in? / Which war did {s} take part in?
ask   Which conflict was {s} a part of?
check In what conflict did {s} serve?
hold  Tell me the war that {s} fought in. / During which war did {s} see battle?
say   {s} fought in the / The war that {s} took part in is the

deathplace
ask   Where did {s} die? / In which place did {s} die? / What is {s}'s place of death?
ask   Where did {s}'s life end?
check In what town or country did {s} die?
hold  Tell me where {s} died. / Which place did {s} pass away in?
say   {s}'s life came to an end in / The place of {s}'s death is
back  Who died in {v}? / Whose place of death is {v}? / Whose life ended in {v}?
back? Who passed away in {v}?
back! Tell me who died in {v}. / Whose death took place in {v}?

death
ask   When did {s} die? / On which date did {s} die? / In what year did {s} die?
ask   What is the date of {s}'s death?
check When did {s}'s life end?
hold  Tell me when {s} died. / At what time did {s} pass away?
say   {s}'s date of death is / The death of {s} is dated

cause
ask   What did {s} die of? / What was the cause of {s}'s death? / What caused {s}'s death?
ask   How did {s} die?
check What led to {s}'s death?
hold  Tell me what {s} died of. / From what did {s} pass away?
say   The cause of {s}'s death was / {s} died of

mother
ask   Who is {s}'s mother? / Who is the mother of {s}? / What is the name of {s}'s mother?
ask   By whom was {s} born?
check Which woman gave birth to {s}?
hold  Tell me who {s}'s mother is. / Whose child is {s}, on the mother's side?
say   {s}'s mother is / The mother of {s} is
back  Of whom is {v} the mother? / Whose mother is {v}? / Who is the child of {v}?
back? To whom did {v} give birth?
back! Tell me whose mother is {v}. / Who has {v} as a mother?

father
ask   Who is {s}'s father? / Who is the father of {s}? / What is the name of {s}'s father?
ask   Whose child is {s}?
check Which man had {s} as a child?
hold  Tell me who {s}'s father is. / Whose son or daughter is {s}?
say   {s}'s father is / The father of {s} is
back  Of whom is {v} the father? / Whose father is {v}? / Who is the child of {v}?
back? Who descends from {v}?
back! Tell me whose father is {v}. / Who has {v} as a father?

director
ask   Who directed {s}? / Who is the director of {s}? / Who is {s}'s director?
ask   By whom was {s} directed?
check Under whose direction was {s} made?
hold  Tell me who directed {s}. / Whose film is {s}?
say   {s} was directed by / The director of {s} is
back  What did {v} direct? / Of what is {v} the director? / What was directed by {v}?
back? What was made under the direction of {v}?
back! Tell me what {v} directed. / Which work is by the director {v}?

performer
ask   Who performed {s}? / Who is the performer of {s}? / Which artist made {s}?
ask   By whom was {s} performed?
check Whose performance is {s}?
hold  Tell me who performed {s}. / Which artist is heard or seen in {s}?
say   {s} was performed by / The performer of {s} is

label
ask   What is the record label of {s}? / Which label released {s}? / What is {s}'s record label?
ask   On which label was {s} released?
check Which record company issued {s}?
hold  Tell me the record label of {s}. / On what label did {s} appear?
say   {s} was released by the label / The record label of {s} is

publisher
ask   Who published {s}? / Who is the publisher of {s}? / Which company released {s}?
ask   By whom was {s} published?
check Who brought out {s}?
hold  Tell me who published {s}. / Which publishing house issued {s}?
say   {s} was published by / The publisher of {s} is

studio
ask   Which studio produced {s}? / What company made {s}? / Which production company made {s}?
ask   What is the production company of {s}?
check By which studio was {s} made?
hold  Tell me the studio of {s}. / Which film company stands behind {s}?
say   {s} was produced by / The production company of {s} is

series
ask   Which series is {s} part of? / To which series does {s} belong? / In what work is {s}?
ask   What is the series of {s}?
check Which show or series has {s}?
hold  Tell me the series that {s} belongs to. / From which work does {s} come?
say   {s} belongs to the series / The series of {s} is

constellation
ask   In which constellation is {s}? / What constellation is {s} part of?
ask   To which constellation does {s} belong? / What is the constellation of {s}?
check Among the stars of which constellation is {s}?
hold  Tell me the constellation of {s}. / Where in the sky is {s}?
say   {s} is in the constellation / The constellation of {s} is

family
ask   Which family does {s} belong to? / What family is {s} part of? / What is {s}'s family?
ask   In which family is {s}?
check Of which family is {s} a member?
hold  Tell me the family of {s}. / Into which family is {s} placed?
say   {s} belongs to the family / The family of {s} is

gender
ask   What is {s}'s gender? / What is the sex of {s}? / Which gender does {s} have?
ask   Is {s} male or female?
check Is {s} a man or a woman?
hold  Tell me the gender of {s}. / Of which sex is {s}?
say   {s}'s gender is / The sex of {s} is

material
ask   What is {s} made of? / Which material is {s} made of? / What is the material of {s}?
ask   Of what does {s} consist?
check What was used to make {s}?
hold  Tell me the material of {s}. / Out of what was {s} made?
say   {s} is made of / The material of {s} is

voice
ask   What is {s}'s voice type? / Which type of voice does {s} have? / What kind of singer is {s}?
ask   In what voice does {s} sing?
check What voice is {s}'s?
hold  Tell me {s}'s voice type. / In which range does {s} sing?
say   {s}'s voice type is / The voice of {s} is

status
ask   What is the conservation status of {s}? / How endangered is {s}?
ask   What is {s}'s conservation status? / Which status does {s} have on the red list?
check How much is {s} in danger of dying out?
hold  Tell me the conservation status of {s}. / How is {s} listed as a species?
say   The conservation status of {s} is / As a species, {s} is

airport
ask   What airport does {s} use? / Which airport is {s} associated with? / What is {s}'s airport?
ask   From which airport does {s} fly?
check Where do the aeroplanes of {s} start from?
hold  Tell me the airport of {s}. / At which airport is {s} at home?
say   {s} flies from / The airport of {s} is

designer
ask   Who designed {s}? / Who is the designer of {s}? / Who was {s} designed by?
ask   Whose design is {s}?
check Who drew the plans of {s}?
hold  Tell me who designed {s}. / From whose hand is the design of {s}?
say   {s} was designed by / The designer of {s} is

finder
ask   Who discovered {s}? / Who is the discoverer of {s}? / By whom was {s} discovered?
ask   Whose discovery is {s}?
check Who was the first to find {s}?
hold  Tell me who discovered {s}. / Whom do we owe the discovery of {s}?
say   {s} was discovered by / The discoverer of {s} is

founded
ask   When was {s} founded? / In what year was {s} created? / What year did {s} start?
ask   Which year was {s} introduced in?
check How long ago, as a date, was {s} begun?
hold  Tell me when {s} was founded. / Since which year has {s} existed?
say   {s} was founded in / {s} exists since

ended
ask   When did {s} end? / In what year did {s} end? / What year was {s} dissolved?
ask   Which date marks the end of {s}?
check When was {s} over?
hold  Tell me when {s} ended. / Until which date did {s} last?
say   {s} ended in / The end of {s} was in

held
ask   When did {s} happen? / On which date did {s} take place? / What is the date of {s}?
ask   What day or year was {s}?
check At what time was {s}?
hold  Tell me when {s} took place. / To which date does {s} belong?
say   {s} took place in / The date of {s} is

crosses
ask   What does {s} cross? / Which river does {s} cross? / Over what water does {s} lead?
ask   What river is under {s}?
check What flows beneath {s}?
hold  Tell me which river {s} crosses. / What is it that {s} goes over?
say   {s} crosses the / The water under {s} is the

illustrator
ask   Who illustrated {s}? / Who is the illustrator of {s}? / By whom was {s} illustrated?
ask   Whose pictures are in {s}?
check Who drew for {s}?
hold  Tell me who illustrated {s}. / From whose hand are the pictures of {s}?
say   {s} was illustrated by / The illustrator of {s} is
"""
