given("of-rgb_dense__longvlm_25",{"outcomes":"221111211212212121122111","labels":null});
