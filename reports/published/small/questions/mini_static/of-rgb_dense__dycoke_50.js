given("of-rgb_dense__dycoke_50",{"outcomes":"122212212121211221222112","labels":null});
