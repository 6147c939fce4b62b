given("of-rgb_dense__fastv_50",{"outcomes":"121212212112122121212112","labels":null});
