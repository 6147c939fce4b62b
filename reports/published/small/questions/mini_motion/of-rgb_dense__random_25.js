given("of-rgb_dense__random_25",{"outcomes":"221111221112212122122111","labels":null});
