given("of-rgb_dense__longvlm_10",{"outcomes":"221111212112212122122111","labels":null});
