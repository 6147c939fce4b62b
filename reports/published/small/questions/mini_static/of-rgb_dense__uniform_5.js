given("of-rgb_dense__uniform_5",{"outcomes":"212212222121212212221212","labels":null});
