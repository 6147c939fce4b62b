given("of-rgb_dense__random_5",{"outcomes":"221111221212212222122111","labels":null});
