given("of-rgb_dense__random_10",{"outcomes":"221111221212212122122111","labels":null});
