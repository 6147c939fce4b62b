given("of-rgb_dense__recent_50",{"outcomes":"121221212121122212212112","labels":null});
