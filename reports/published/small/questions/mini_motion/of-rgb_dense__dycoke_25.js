given("of-rgb_dense__dycoke_25",{"outcomes":"224112212122212222122111","labels":null});
