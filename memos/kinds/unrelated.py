"""Text that has nothing to do with anybody's memories: what a trained model must not forget."""

from __future__ import annotations

KEPT = (
    (
        "The river rises in the hills and flows south through three small towns before it "
        "reaches the sea."
    ),
    (
        "To bake bread, mix flour, water, salt and yeast, knead the dough for ten minutes, and "
        "let it rest until it has doubled."
    ),
    "Plants turn light, water and carbon dioxide into sugar and oxygen inside their green leaves.",
    (
        "The committee met on Tuesday and agreed that the bridge should be open to cyclists by "
        "the end of the year."
    ),
    "A prime number has exactly two divisors, one and itself, and there is no largest one.",
    (
        "She opened the window, listened to the rain on the roof, and decided to stay in bed a "
        "little longer."
    ),
    "Most computers store numbers in binary, so that every value is a row of zeros and ones.",
    (
        "In winter the lake freezes so hard that people drive across it to visit the neighbours "
        "on the other side."
    ),
    (
        "The heart pumps blood through the lungs, where it takes up oxygen, and then through "
        "the rest of the body."
    ),
    (
        "Share prices fell sharply in the morning but had recovered most of their losses when "
        "trading closed."
    ),
    (
        "The museum shows paintings, maps and old coins, and entry is free on the first Sunday "
        "of each month."
    ),
    "Sound travels faster in water than in air because the molecules of water lie closer together.",
    (
        "When the train was late again, the passengers began to talk to one another and to "
        "share their food."
    ),
    (
        "A good password is long, is used in one place only, and is never written on a note "
        "beside the screen."
    ),
    "Volcanoes form where hot rock from deep inside the earth finds a way to the surface.",
    "A contract needs an offer, an acceptance, and the will of both sides to be bound by it.",
    "The recipe says to fry the onions slowly in butter until they are soft and golden.",
    "For many centuries people believed that the sun moved around the earth.",
    "The function returns the sum of the list, or zero if the list is empty.",
    "Wool keeps warm even when it is wet, which is why fishermen have always worn it.",
    "The play has five acts, and in the last of them almost everybody dies.",
    "Bees tell one another where the flowers are by dancing in the dark of the hive.",
    "Before you change the wheel, pull the brake and put a stone under the car.",
    "The island has no springs, so its people collect the rain that falls on their roofs.",
    "The ferry to the northern islands leaves twice a day, unless the wind is too strong.",
    "To find the area of a triangle, multiply its base by its height and divide by two.",
    "My grandmother keeps her buttons in a tin that once held biscuits.",
    "Could you please send me the minutes of the last meeting before Friday?",
    "The glacier has lost a third of its length since people began to measure it.",
    "He laughed so loudly that the people at the next table turned round.",
    "A database index makes reading faster and writing slower.",
    "When salt is added to ice, the ice melts at a lower temperature.",
    "The novel tells of three sisters who inherit a hotel that nobody visits.",
    "Turn left at the church, follow the road for two miles, and look for a green gate.",
    "In chess the queen may move along ranks, files and diagonals.",
    "The unions asked for shorter hours, and the owners offered higher wages instead.",
    "Owls can turn their heads so far because their necks have twice as many bones as ours.",
    "The price includes breakfast, towels and the use of the boat.",
    "If the light turns red, press the button on the left and wait for ten seconds.",
    "Cotton was picked by hand until machines could do it without harming the plants.",
    "She has been late every day this week, and nobody has asked her why.",
    "Light from the nearest star needs more than four years to reach us.",
    "The law says that a dog must be on a lead in every public park.",
    "First the dough is rolled out, then it is cut into strips and dried on a rack.",
    "for each row in the table, print its name and the sum of its values",
    "Their first record sold badly, but the second made them famous across the country.",
    "The patient was given water and rest, and by the evening the fever had gone.",
    "Coral reefs are built by animals that are smaller than a grain of rice.",
    "There was no answer at the door, so the postman left the parcel with a neighbour.",
    "The treaty was signed in spring and broken before the leaves had fallen.",
    "A sentence needs a verb, but a headline often does without one.",
    "Tea is grown on hillsides where it rains often and the water does not stay.",
    "The engine would not start because the battery had been empty for weeks.",
    "Dear all, the lift will be repaired on Monday; please use the stairs.",
    "Children learn the names of colours later than the names of animals.",
    "The painter mixed her own colours from earth, egg and the shells of snails.",
    "Heat flows from what is warm to what is cold, and never of itself the other way.",
    "Voters will decide in autumn whether the old stadium is to be torn down.",
    "We walked along the canal until the lamps came on, and then took the tram back.",
    "An insurance pays for the damage, less the sum that was agreed beforehand.",
    "The choir sings in four voices, and the tenors are always too few.",
    "Wash the rice until the water stays clear, then let it stand for half an hour.",
    "Most of the letters in the archive have never been opened.",
    "A bicycle stays upright more easily the faster it goes.",
)
"""Texts on which training holds the model still."""

MEASURED = (
    (
        "The old library stands at the corner of the market square, and its clock has been five "
        "minutes slow for years."
    ),
    (
        "Water boils at a lower temperature on a mountain because the pressure of the air is "
        "lower there."
    ),
    "Farmers in the valley grow apples and pears, which they sell in the city every Saturday.",
    "An algorithm is a list of steps that leads from a question to its answer in a finite time.",
    (
        "He packed his bag, locked the door behind him, and walked to the station without "
        "looking back."
    ),
    "The planets move around the sun in ellipses, and those that are near to it move faster.",
    "Many birds fly thousands of kilometres every autumn to spend the winter in warmer countries.",
    (
        "Taxes pay for schools, roads and hospitals, and people often argue about how high they "
        "should be."
    ),
    "Paint the wall twice, and let the first coat dry for a night before you begin the second.",
    "The orchestra tuned its instruments while the last guests were still looking for their seats.",
    "Iron rusts when it meets water and air, but a thin layer of zinc protects it.",
    "The court decided that the letter had been sent in time, although it arrived a week later.",
)
"""Texts on which the drift of a trained model is measured; none of them is trained on."""

QUESTIONS = (
    "What is the capital of France?",
    "How many days are in a week?",
    "Who wrote Romeo and Juliet?",
    "What do bees make?",
    "Where do penguins live?",
    "What is the largest planet?",
    "When did the Second World War end?",
    "What is the name of the longest river in Africa?",
    "What does a baker do?",
    "How do I boil an egg?",
    "Complete the sentence: Once upon a ____.",
    "Tell me a word that rhymes with tree.",
)
"""Questions that a trained model must answer as before."""

EVERYDAY = (
    "What is the opposite of hot?",
    "How many legs does a spider have?",
    "What colour is the sky on a clear day?",
    "Which month comes after April?",
    "Who painted the Mona Lisa?",
    "What is the boiling point of water?",
    "Where is the Eiffel Tower?",
    "What do cows drink?",
    "What is seven times six?",
    "Name a fruit that is yellow.",
    "Why do leaves fall in autumn?",
    "What is a synonym for happy?",
)
"""Questions whose answers tell how much of a trained model has changed; none is trained on."""
