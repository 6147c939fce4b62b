given("of-rgb_dense__rgb_2k",{"outcomes":"221111211221212122122111","labels":null});
