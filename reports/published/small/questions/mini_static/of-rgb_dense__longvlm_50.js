given("of-rgb_dense__longvlm_50",{"outcomes":"122212211221122221221212","labels":null});
