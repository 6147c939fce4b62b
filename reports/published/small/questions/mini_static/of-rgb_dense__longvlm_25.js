given("of-rgb_dense__longvlm_25",{"outcomes":"212221221212122212121221","labels":null});
