given("of-rgb_dense__uniform_10",{"outcomes":"221111224112212221122111","labels":null});
