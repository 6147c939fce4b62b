given("of-rgb_dense__uniform_5",{"outcomes":"222111221212212221122121","labels":null});
