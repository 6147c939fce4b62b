given("of-rgb_dense__rgb_2k",{"outcomes":"121221212121212212212112","labels":null});
