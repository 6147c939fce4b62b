given("of-rgb_dense__uniform_25",{"outcomes":"221111224112214122442111","labels":null});
