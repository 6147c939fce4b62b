given("of-rgb_dense__longvlm_10",{"outcomes":"211212212121212212211221","labels":null});
