given("of-rgb__fastv_50",{"outcomes":"332331332133122333231333","labels":null});
