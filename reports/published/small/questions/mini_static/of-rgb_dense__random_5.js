given("of-rgb_dense__random_5",{"outcomes":"212212222122122112121221","labels":null});
