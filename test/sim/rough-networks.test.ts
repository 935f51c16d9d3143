// The networks on which datagrams come late, in bursts, twice or not at all.
import { profileSuite } from './profile-suite.ts';

profileSuite('mobile');
profileSuite('terrible');
