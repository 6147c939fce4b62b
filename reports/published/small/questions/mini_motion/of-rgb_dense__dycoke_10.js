given("of-rgb_dense__dycoke_10",{"outcomes":"224112212122212222122111","labels":null});
